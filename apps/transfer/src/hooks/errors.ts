import { LedgerliftError } from '@ledgerlift/contracts';

/** The hook is missing, or may not be run. A retry would not help. */
export class HookUnavailable extends LedgerliftError {
  readonly code = 'LL-TRF-010';
  constructor(hook: string, why: string) {
    super(`the hook '${hook}' cannot be run: ${why}`);
  }
}

/** The hook ran and failed, by its exit status or answer. */
export class HookFailed extends LedgerliftError {
  readonly code = 'LL-TRF-011';
  override readonly failure = 'transient';
  constructor(
    readonly hook: string,
    readonly how: string,
    /** The end of its output, or the start of its answer. */
    readonly said: string,
  ) {
    super(`the hook '${hook}' ${how}: ${said.trim() || 'no output'}`);
  }
}

/** The hook did not end within its time limit; its processes have ended. */
export class HookTimedOut extends LedgerliftError {
  readonly code = 'LL-TRF-012';
  override readonly failure = 'transient';
  constructor(
    readonly hook: string,
    readonly limitMs: number,
    readonly said = '',
  ) {
    super(
      `the hook '${hook}' did not end within ${limitMs} ms${said.trim() === '' ? '' : `: ${said.trim()}`}`,
    );
  }
}

/** Nothing answers at the hook's address. */
export class HookUnreachable extends LedgerliftError {
  readonly code = 'LL-TRF-013';
  override readonly failure = 'transient';
  constructor(hook: string, address: string, reason: string) {
    super(`the hook '${hook}' cannot be reached at ${address}: ${reason}`);
  }
}
