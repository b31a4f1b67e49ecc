import { LedgerliftError } from '@ledgerlift/contracts';

/** The source is not what was recorded when the migration started. */
export class SourceChanged extends LedgerliftError {
  readonly code = 'LL-TRF-001';
  constructor(vm: string, what: string) {
    super(
      `the source VM '${vm}' ${what} since the migration was started; retry, so that it is resolved anew`,
    );
  }
}

/** This worker has no code for the kind of source. */
export class UnknownSource extends LedgerliftError {
  readonly code = 'LL-TRF-002';
  constructor(type: string) {
    super(`a source of type '${type}' cannot be read by this worker; run workers of the planner's version`);
  }
}

/** The log lacks something that comes before: the result of a step, or what the step is to do. */
export class MissingResult extends LedgerliftError {
  readonly code = 'LL-TRF-003';
  constructor(what: string) {
    super(`the log has no ${what}, which comes before; run planner and workers of the same version`);
  }
}

/** The target has no room for what is to be made. */
export class NoRoom extends LedgerliftError {
  readonly code = 'LL-TRF-004';
  override readonly failure = 'needs-operator';
  /** @param taken bytes that other VMs will still write there */
  constructor(path: string, needed: number, free: number, taken = 0) {
    const beside = taken > 0 ? `, beside ${taken} that other VMs will still write` : '';
    super(`${path} has ${free} bytes free and ${needed} are needed${beside}; make room, then retry`);
  }
}

/** The source cannot be read while its VM runs. */
export class NoSnapshots extends LedgerliftError {
  readonly code = 'LL-TRF-005';
  constructor(type: string) {
    super(`a source of type '${type}' has no snapshots; migrate its VMs cold`);
  }
}

/** The source may not be powered off now, and an earlier attempt has not done so. */
export class SourceLeftOn extends LedgerliftError {
  readonly code = 'LL-TRF-007';
  override readonly outcome = 'stopped';
  constructor(
    readonly vm: string,
    powerState: string,
  ) {
    super(`the source VM '${vm}' is ${powerState}, and is not powered off outside its maintenance window`);
  }
}

/** Whether an earlier attempt has powered the source off cannot be seen at present. */
export class SourcePowerUnknown extends LedgerliftError {
  readonly code = 'LL-TRF-008';
  override readonly failure = 'transient';
  constructor(readonly vm: string) {
    super(`the provider cannot say whether the source VM '${vm}' is off; it is asked again`);
  }
}

/** A disk that the user brought is not what it was when the plan was validated. */
export class BroughtDiskUnusable extends LedgerliftError {
  readonly code = 'LL-TRF-006';
  override readonly failure = 'needs-operator';
  constructor(
    readonly disk: string,
    why: string,
    cause?: unknown,
  ) {
    super(
      `the disk "${disk}", which another tool brought, cannot be converted: ${why}. Put right what is there, then retry.`,
      { cause },
    );
  }
}
