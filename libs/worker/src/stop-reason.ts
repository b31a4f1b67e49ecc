import { LedgerliftError, type FailureClass } from '@ledgerlift/contracts';

/** Why an attempt's signal aborted; `signal.reason` is one of these. */
export type StopReason = AttemptCanceled | WorkerShutdown | LeaseLost;

/** The planner wants it stopped: a cancel, or somebody else has it. */
export class AttemptCanceled extends LedgerliftError {
  readonly code = 'LL-STEP-CANCELED';
  constructor(readonly why: string) {
    super(`the attempt was stopped: ${why}`);
  }
}

/** This process ends; another worker may go on at once. */
export class WorkerShutdown extends LedgerliftError {
  readonly code = 'LL-STEP-SHUTDOWN';
  override readonly failure: FailureClass = 'transient';
  constructor(readonly worker: string) {
    super(`the worker ${worker} was shut down; the step goes on with another attempt`);
  }
}

/** The lease could not be renewed in time, so that somebody else may soon have the attempt. Nothing is reported. */
export class LeaseLost extends LedgerliftError {
  readonly code = 'LL-STEP-LEASE-LOST';
  override readonly failure: FailureClass = 'transient';
  constructor(why: string) {
    super(`the lease was lost: ${why}`);
  }
}
