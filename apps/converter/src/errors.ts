import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** virt-v2v-in-place, or virt-v2v-inspector, cannot be run on this machine. */
export class ConverterMissing extends LedgerliftError {
  readonly code = 'LL-CONV-001';
  constructor(readonly command: string) {
    super(
      `"${command}" cannot be run on the converter's machine. Install virt-v2v 2.2 or newer there (\`ledgerlift ` +
        'doctor` says how) or point LEDGERLIFT_V2V_COMMAND (LEDGERLIFT_V2V_INSPECTOR_COMMAND, LEDGERLIFT_GUESTFISH_COMMAND) to it, then retry.',
    );
  }
}

/** A conversion was left on a machine that this one cannot look into: it may still write. */
export class HeldElsewhere extends LedgerliftError {
  readonly code = 'LL-CONV-003';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly record: string,
    readonly host: string,
  ) {
    super(
      `a conversion on the host "${host}" was not seen to end and may still hold the disks. See there that no ` +
        `virt-v2v, qemu-nbd or qemu-img works on them (or that the host is down), remove "${record}", then retry.`,
    );
  }
}

/** Processes of an earlier attempt were killed and did not end. */
export class LeftoverAlive extends LedgerliftError {
  readonly code = 'LL-CONV-005';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly pids: readonly number[]) {
    super(
      `processes of an earlier attempt do not end although they were killed (pids ${pids.join(', ')}); they may ` +
        'wait for storage that hangs. See to that, then retry.',
    );
  }
}

/** The record of who holds the disks cannot be understood. */
export class HolderUnreadable extends LedgerliftError {
  readonly code = 'LL-CONV-006';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly path: string) {
    super(
      `"${path}" should say which processes hold the disks and cannot be understood. See that no virt-v2v, ` +
        'qemu-nbd or qemu-img works on the disks beside it, remove the file, then retry.',
    );
  }
}

export type ConversionFailureCode = `LL-CONV-0${1 | 2}${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;

/** virt-v2v ended without success; what it means is in the code and the class. */
export class ConversionFailed extends LedgerliftError {
  override readonly failure: FailureClass;
  constructor(
    readonly code: ConversionFailureCode,
    failure: FailureClass,
    message: string,
  ) {
    super(message);
    this.failure = failure;
  }
}

/** An overlay is gone, and nothing says that it was committed: the disks may be unconverted, or half converted. */
export class OverlayLost extends LedgerliftError {
  readonly code = 'LL-CONV-031';
  constructor(readonly paths: readonly string[]) {
    super(
      `converted data is gone before it was committed: ${paths.join(', ')}. The disks cannot be trusted; cancel the ` +
        'migration of the VM and start it again.',
    );
  }
}

/** A commit was asked for although no conversion is in the log. */
export class NothingToCommit extends LedgerliftError {
  readonly code = 'LL-CONV-032';
  constructor() {
    super(
      'ImageCommit was asked for, but the log has no completed ImageConversion. The itinerary was recorded by ' +
        'another version of Ledgerlift; cancel the migration and start it again.',
    );
  }
}

/** The source's snapshot could not be read to its end: that says nothing of the guest. */
export class SnapshotUnreadable extends LedgerliftError {
  readonly code = 'LL-CONV-040';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly vm: string,
    why: string,
    cause?: unknown,
  ) {
    super(`the snapshot of "${vm}" cannot be read for its inspection: ${why}; it is tried again`, { cause });
  }
}

/** There is no way to look at the guest before it is copied. */
export class NotInspectable extends LedgerliftError {
  readonly code = 'LL-CONV-041';
  constructor(
    readonly vm: string,
    why: string,
  ) {
    super(
      `"${vm}" cannot be inspected before it is copied: ${why}. Set \`inspect: false\`, then start it again.`,
    );
  }
}

/** A key of an encrypted disk does not say which disk it opens. */
export class LuksKeyUnnamed extends LedgerliftError {
  readonly code = 'LL-CONV-042';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly secret: string,
    readonly names: readonly string[],
  ) {
    super(
      `the secret "${secret}" has files that are not named by a LUKS device: ${names.join(', ')}. Name each by the ` +
        'UUID that `blkid` tells of the device which its passphrase opens, then retry.',
      { field: 'luks.secret' },
    );
  }
}

/** The guest's files could not be worked on, and that may pass. */
export class GuestFilesFailed extends LedgerliftError {
  readonly code = 'LL-CONV-043';
  override readonly failure: FailureClass = 'transient';
  constructor(
    why: string,
    readonly log: string,
  ) {
    super(`the network of the guest could not be kept: ${why}; the conversion is done again. See "${log}".`);
  }
}
