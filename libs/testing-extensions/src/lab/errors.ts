import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The lab gave no answer, or said that it cannot now. Tried again. */
export class LabUnreachable extends LedgerliftError {
  readonly code = 'LL-LAB-001';
  override readonly failure = 'transient';
  constructor(
    readonly request: string,
    reason: string,
    cause?: unknown,
  ) {
    super(`the lab did not do ${request}: ${reason}`, { cause });
  }
}

/** The lab will not do it, however often it is asked. */
export class LabRefused extends LedgerliftError {
  readonly code = 'LL-LAB-002';
  constructor(
    readonly request: string,
    readonly status: number,
    /** What the lab calls it, such as `no-such-vm`. */
    readonly reason: string,
    message: string,
  ) {
    super(`the lab refused ${request} with ${status} ${reason}: ${message}`);
  }
}

/** The lab does not let us in. */
export class LabDenied extends LedgerliftError {
  readonly code = 'LL-LAB-003';
  override readonly failure = 'needs-operator';
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(
      `the lab at ${url} answered with ${status}; give the provider a secret whose token the lab was started with`,
    );
  }
}

/** The lab's answer is not one that we understand. */
export class LabAnswerMalformed extends LedgerliftError {
  readonly code = 'LL-LAB-004';
  constructor(
    readonly request: string,
    reason: string,
  ) {
    super(`the lab's answer to ${request} is not understood: ${reason}; is it a lab, and of this version?`);
  }
}

/** Something was begun and did not end within its time limit. It may yet end: whoever tries again finds it. */
export class LabWaitTooLong extends LedgerliftError {
  readonly code = 'LL-LAB-005';
  override readonly failure = 'transient';
  constructor(
    readonly what: string,
    readonly limitMs: number,
  ) {
    super(`${what} did not end within ${limitMs} ms`);
  }
}

/** The guest was asked to shut down, and is up after its time limit. */
export class GuestStillUp extends LedgerliftError {
  readonly code = 'LL-LAB-006';
  override readonly failure: FailureClass;
  constructor(
    readonly vm: string,
    readonly limitMs: number,
    then: 'fail' | 'wait',
  ) {
    super(`${vm} is still up ${limitMs} ms after its guest was asked to shut down; shut it down, and retry`);
    this.failure = then === 'wait' ? 'needs-operator' : 'permanent';
  }
}

/** A task of the lab failed. Its effect may be there: whoever tries again looks first. */
export class LabTaskFailed extends LedgerliftError {
  readonly code = 'LL-LAB-008';
  override readonly failure = 'transient';
  constructor(
    readonly kind: string,
    readonly vm: string,
    /** What the lab calls it. */
    readonly reason: string,
    message: string,
  ) {
    super(`${kind} of ${vm} failed in the lab: ${message}`);
  }
}

/** The snapshot that was to be read is gone, or is another one of that name, or was lost with its host. */
export class LabSnapshotLost extends LedgerliftError {
  readonly code = 'LL-LAB-009';
  override readonly outcome = 'snapshot-lost';
  constructor(
    readonly vm: string,
    readonly snapshot: string,
    reason: string,
  ) {
    super(
      `the snapshot '${snapshot}' of ${vm} ${reason}; what was read of it stands, the rest needs a new one`,
    );
  }
}

/** The disks of a VM that is on cannot be read as they are. */
export class LabVmRuns extends LedgerliftError {
  readonly code = 'LL-LAB-010';
  override readonly failure = 'needs-operator';
  constructor(readonly vm: string) {
    super(`${vm} was to be read while it is off, and it is on; power it off, and retry`);
  }
}
