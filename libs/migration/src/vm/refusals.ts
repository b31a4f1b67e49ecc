import { LedgerliftError } from '@ledgerlift/contracts';

/** The command makes no sense in the state in which the VM is. Nothing was changed. */
export class CommandRefused extends LedgerliftError {
  readonly code = 'LL-MIG-001';
  constructor(
    readonly command: string,
    readonly reason: string,
  ) {
    super(`${command} is refused: ${reason}`);
  }
}

/** The attempt is not the one under way: it is over, was given to somebody else, or never was. Drop the work. */
export class AttemptSuperseded extends LedgerliftError {
  readonly code = 'LL-MIG-002';
  constructor(
    readonly step: string,
    readonly attempt: number,
    readonly reason: string,
  ) {
    super(`attempt ${attempt} of ${step} is not under way: ${reason}`);
  }
}
