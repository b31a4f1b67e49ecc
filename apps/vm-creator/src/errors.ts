import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The guest did not boot; the console's output shows why. */
export class GuestDidNotBoot extends LedgerliftError {
  readonly code = 'LL-VMC-001';
  constructor(
    readonly why: string,
    readonly log: string,
    readonly lastLines: readonly string[],
  ) {
    const shown =
      lastLines.length === 0
        ? 'The console printed nothing.'
        : `Last lines of the console:\n${lastLines.join('\n')}`;
    super(`the guest did not boot: ${why}. ${shown}\nThe whole console is in "${log}".`);
  }
}

/** QEMU, qemu-io or setpriv is not installed on this machine. */
export class QemuMissing extends LedgerliftError {
  readonly code = 'LL-VMC-002';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly program: string) {
    super(
      `"${program}" is missing on this machine: install qemu-system-x86, qemu-utils and util-linux, then retry.`,
    );
  }
}

/**
 * QEMU exited before the guest printed anything, for example because a disk is still being written or memory is short.
 */
export class QemuFailed extends LedgerliftError {
  readonly code = 'LL-VMC-003';
  override readonly failure: FailureClass = 'transient';
  constructor(how: string, stderr: string) {
    super(
      `QEMU exited (${how}) before the guest booted${stderr === '' ? ', and printed no error' : `: ${stderr}`}`,
    );
  }
}

/** A disk changed during its boot: another process writes to it, so the result cannot be trusted. */
export class DiskChanged extends LedgerliftError {
  readonly code = 'LL-VMC-004';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly disk: string) {
    super(
      `the disk "${disk}" changed while its guest booted. The boot proof never writes to the disk, so another process ` +
        'did. Find that process, and compare the disk with the source before you use it.',
    );
  }
}

/** The log lacks the result of an earlier step. */
export class ResultMissing extends LedgerliftError {
  readonly code = 'LL-VMC-005';
  constructor(readonly step: string) {
    super(`the log has no result of ${step}, which this step needs; this is a bug in Ledgerlift.`);
  }
}

/** The source is not confirmed off, so its target must not start. */
export class SourceNotSeenOff extends LedgerliftError {
  readonly code = 'LL-VMC-006';
  override readonly failure: FailureClass = 'needs-operator';
  override readonly effect = 'none';
  constructor(readonly vm: string) {
    super(
      `the provider did not report whether the source VM "${vm}" is off, and the target must not run at the same time. ` +
        'Check that the source is reachable and the VM is off, then retry.',
    );
  }
}

/** The UEFI firmware that the guest needs is not installed. */
export class FirmwareMissing extends LedgerliftError {
  readonly code = 'LL-VMC-007';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    wanted: string,
    readonly looked: readonly string[],
  ) {
    super(
      `the boot proof of a UEFI guest needs ${wanted}, which was not found in ${looked.join(', ')}: install the package ` +
        'ovmf (or name its folder in LEDGERLIFT_OVMF_DIR), then retry.',
    );
  }
}

/** This version does not support the source's kind of provider. */
export class NoSourceProvider extends LedgerliftError {
  readonly code = 'LL-VMC-008';
  override readonly effect = 'none';
  constructor(
    readonly provider: string,
    readonly type: string,
  ) {
    super(
      `the provider "${provider}" has the type "${type}", which is not a source in this version of the ` +
        'vm-creator; run the same version of all services.',
    );
  }
}

/** The source is off, but since when is unknown: it may have run since its disks were copied. */
export class SourceMomentUnknown extends LedgerliftError {
  readonly code = 'LL-VMC-009';
  override readonly failure: FailureClass = 'transient';
  override readonly effect = 'none';
  constructor(readonly vm: string) {
    super(
      `the source VM "${vm}" does not show whether it ran since its disks were copied: it is gone, or is just ` +
        'starting. Retrying; check that it is still at its source.',
    );
  }
}

/** The source did not answer, so its target was not allowed to start. */
export class SourceNotAsked extends LedgerliftError {
  readonly code = 'LL-VMC-012';
  override readonly failure: FailureClass;
  override readonly effect = 'none';
  constructor(
    readonly vm: string,
    cause: unknown,
  ) {
    const { code, message } =
      cause instanceof LedgerliftError ? cause : { code: 'no code', message: String(cause) };
    super(
      `the source VM "${vm}" did not answer whether it is off, so its target was not allowed to start (${code}): ` +
        message,
      { cause },
    );
    this.failure = cause instanceof LedgerliftError ? cause.failure : 'transient';
  }
}

/** QEMU processes that we started were killed but did not end. */
export class BootStillRuns extends LedgerliftError {
  readonly code = 'LL-VMC-010';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly pids: readonly number[]) {
    super(
      `QEMU processes of an earlier boot (pids ${pids.join(', ')}) were killed but have not exited, perhaps because the ` +
        'storage does not respond. Fix the storage, then retry.',
    );
  }
}

/** A process has a disk of the target open, so the target may be running, and its source must not run at the same time. */
export class TargetHeld extends LedgerliftError {
  readonly code = 'LL-VMC-011';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly disk: string,
    holder: string,
  ) {
    super(
      `the disk "${disk}" of the target is in use (${holder}). Stop the target, if you started it, or the process that ` +
        'has the disk open, then retry.',
    );
  }
}
