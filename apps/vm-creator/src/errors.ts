import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The result was started, and did not come up: what the console showed says why. */
export class GuestDidNotBoot extends LedgerliftError {
  readonly code = 'LL-VMC-001';
  constructor(
    readonly why: string,
    readonly log: string,
    readonly lastLines: readonly string[],
  ) {
    const shown =
      lastLines.length === 0
        ? 'The console showed nothing.'
        : `The console showed last:\n${lastLines.join('\n')}`;
    super(`the guest did not boot: ${why}. ${shown}\nThe whole console is in "${log}".`);
  }
}

/** QEMU, qemu-io or setpriv is not installed on this machine. */
export class QemuMissing extends LedgerliftError {
  readonly code = 'LL-VMC-002';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly program: string) {
    super(
      `"${program}" is needed and not on this machine: install qemu-system-x86, qemu-utils and util-linux, then retry.`,
    );
  }
}

/** QEMU ended by itself before the guest could show anything: a disk that is still written, no memory. */
export class QemuFailed extends LedgerliftError {
  readonly code = 'LL-VMC-003';
  override readonly failure: FailureClass = 'transient';
  constructor(how: string, stderr: string) {
    super(`QEMU ended (${how}) before the guest had booted: ${stderr === '' ? 'it gave no reason' : stderr}`);
  }
}

/** A disk is not as it was before it was booted: something else writes it, and the result cannot be trusted. */
export class DiskChanged extends LedgerliftError {
  readonly code = 'LL-VMC-004';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly disk: string) {
    super(
      `the disk "${disk}" was changed while it was booted, which itself never writes it. Find out what writes ` +
        'it, and compare it with the source before it is used.',
    );
  }
}

/** What an earlier step should have found out is not there. */
export class ResultMissing extends LedgerliftError {
  readonly code = 'LL-VMC-005';
  constructor(readonly step: string) {
    super(`the log has no result of ${step}, which this step builds on; this is a fault of Ledgerlift.`);
  }
}

/** The source is not seen off: its target is not let go. */
export class SourceNotSeenOff extends LedgerliftError {
  readonly code = 'LL-VMC-006';
  override readonly failure: FailureClass = 'needs-operator';
  override readonly effect = 'none';
  constructor(readonly vm: string) {
    super(
      `the provider cannot say whether the source VM "${vm}" is off; its target must not start beside it. See at the ` +
        'source that it is off and can be reached, then retry.',
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
      `the boot proof of a UEFI guest needs ${wanted}, found in none of ${looked.join(', ')}: install the package ` +
        'ovmf (or name its folder in LEDGERLIFT_OVMF_DIR), then retry.',
    );
  }
}

/** The source is of a kind that this version cannot ask. */
export class NoSourceProvider extends LedgerliftError {
  readonly code = 'LL-VMC-008';
  override readonly effect = 'none';
  constructor(
    readonly provider: string,
    readonly type: string,
  ) {
    super(
      `the provider "${provider}" is of the type "${type}", which is no source of VMs in this version of the ` +
        'vm-creator; run the same version of all services.',
    );
  }
}

/** The source is off, and nobody can say since when: it may have run since its disks were copied. */
export class SourceMomentUnknown extends LedgerliftError {
  readonly code = 'LL-VMC-009';
  override readonly failure: FailureClass = 'transient';
  override readonly effect = 'none';
  constructor(readonly vm: string) {
    super(
      `the source VM "${vm}" does not show whether it ran since its disks were copied: it is gone, or is just being ` +
        'started. It is asked again; see that it is still at its source.',
    );
  }
}

/** The source did not answer, so that its target was not let go. */
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
      `the source VM "${vm}" could not be asked whether it is off, so its target was not allowed to start (${code}): ` +
        message,
      { cause },
    );
    this.failure = cause instanceof LedgerliftError ? cause.failure : 'transient';
  }
}

/** QEMUs that we started were killed and did not end. */
export class BootStillRuns extends LedgerliftError {
  readonly code = 'LL-VMC-010';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly pids: readonly number[]) {
    super(
      `QEMU of an earlier boot does not end although it was killed (pids ${pids.join(', ')}); it may wait for storage ` +
        'that hangs. See to that, then retry.',
    );
  }
}

/** Something has a disk of the target open: the target may run, and its source must not run beside it. */
export class TargetHeld extends LedgerliftError {
  readonly code = 'LL-VMC-011';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly disk: string,
    holder: string,
  ) {
    super(
      `the disk "${disk}" of the target is in use (${holder}). Stop the target, if you started it, or whatever else ` +
        'has the disk open, then retry.',
    );
  }
}
