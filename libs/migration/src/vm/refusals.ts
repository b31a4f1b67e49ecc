import { LedgerliftError } from '@ledgerlift/contracts';
import { targetWasLetGo } from './let-go.js';

/** The command makes no sense in the state in which the VM is. Nothing was changed. */
export class CommandRefused extends LedgerliftError {
  readonly code: 'LL-MIG-001' | 'LL-MIG-012' = 'LL-MIG-001';
  constructor(
    readonly command: string,
    readonly reason: string,
  ) {
    super(`${command} is refused: ${reason}`);
  }
}

/** What was asked for would write over a target that was allowed to start. Roll it back, or delete it first. */
export class TargetWasLetGo extends CommandRefused {
  override readonly code = 'LL-MIG-012';
  constructor(command: string) {
    super(command, targetWasLetGo);
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
