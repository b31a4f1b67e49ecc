import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** virt-v2v-in-place, or virt-v2v-inspector, cannot be run on this machine. */
export class ConverterMissing extends LedgerliftError {
  readonly code = 'LL-CONV-001';
  constructor(readonly command: string) {
    super(
      `"${command}" cannot be run on the converter's machine. Install virt-v2v 2.2 or newer there (\`ledgerlift ` +
        'doctor` shows how) or point LEDGERLIFT_V2V_COMMAND (LEDGERLIFT_V2V_INSPECTOR_COMMAND, LEDGERLIFT_GUESTFISH_COMMAND) to it, then retry.',
    );
  }
}

/** An earlier conversion ran on another host, which this one cannot inspect: it may still write. */
export class HeldElsewhere extends LedgerliftError {
  readonly code = 'LL-CONV-003';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly record: string,
    readonly host: string,
  ) {
    super(
      `a conversion on the host "${host}" may still be writing to the disks. Check there that no ` +
        `virt-v2v, qemu-nbd or qemu-img uses them (or that the host is down), remove "${record}", then retry.`,
    );
  }
}

/** Processes of an earlier attempt were killed but did not end. */
export class LeftoverAlive extends LedgerliftError {
  readonly code = 'LL-CONV-005';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly pids: readonly number[]) {
    super(
      `processes of an earlier attempt were killed but do not end (pids ${pids.join(', ')}); they may ` +
        'be waiting for storage that does not respond. Fix the storage, then retry.',
    );
  }
}

/** The record of the processes that use the disks is not readable. */
export class HolderUnreadable extends LedgerliftError {
  readonly code = 'LL-CONV-006';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(readonly path: string) {
    super(
      `"${path}", which names the processes that use the disks, is not readable. Check that no virt-v2v, ` +
        'qemu-nbd or qemu-img uses the disks in the same folder, remove the file, then retry.',
    );
  }
}

export type ConversionFailureCode = `LL-CONV-0${1 | 2}${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;

/** virt-v2v failed; the code and the class tell the cause. */
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

/** An overlay is missing without proof of its commit: the disks may be unconverted, or half converted. */
export class OverlayLost extends LedgerliftError {
  readonly code = 'LL-CONV-031';
  constructor(readonly paths: readonly string[]) {
    super(
      `converted data was lost before its commit: ${paths.join(', ')}. The disks cannot be trusted; cancel the ` +
        'migration of the VM and start it again.',
    );
  }
}

/** A commit was requested, but the log has no conversion. */
export class NothingToCommit extends LedgerliftError {
  readonly code = 'LL-CONV-032';
  constructor() {
    super(
      'ImageCommit was requested, but the log has no completed ImageConversion. The itinerary was recorded by ' +
        'another version of Ledgerlift; cancel the migration and start it again.',
    );
  }
}

/** The source's snapshot could not be read completely, which says nothing about the guest. */
export class SnapshotUnreadable extends LedgerliftError {
  readonly code = 'LL-CONV-040';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly vm: string,
    why: string,
    cause?: unknown,
  ) {
    super(`the snapshot of "${vm}" cannot be read for its inspection: ${why}; retrying`, { cause });
  }
}

/** The guest cannot be inspected before its copy. */
export class NotInspectable extends LedgerliftError {
  readonly code = 'LL-CONV-041';
  constructor(
    readonly vm: string,
    why: string,
  ) {
    super(
      `"${vm}" cannot be inspected before it is copied: ${why}. Set \`inspect: false\` in the plan, then start the plan again.`,
    );
  }
}

/** The file name of a LUKS key is not the UUID of a device. */
export class LuksKeyUnnamed extends LedgerliftError {
  readonly code = 'LL-CONV-042';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly secret: string,
    readonly names: readonly string[],
  ) {
    super(
      `the secret "${secret}" has files that are not named after a LUKS device: ${names.join(', ')}. Name each after the ` +
        'UUID of its device, as `blkid` prints it, then retry.',
      { field: 'luks.secret' },
    );
  }
}

/** The guest's files could not be read or written. A retry may help. */
export class GuestFilesFailed extends LedgerliftError {
  readonly code = 'LL-CONV-043';
  override readonly failure: FailureClass = 'transient';
  constructor(
    why: string,
    readonly log: string,
  ) {
    super(`the guest's network could not be kept: ${why}; the conversion will be repeated. See "${log}".`);
  }
}

/** Reads a property of any error by its shape, because `instanceof` fails across realms. */
export function propertyOf(error: unknown, name: 'code' | 'stderr' | 'message'): string {
  if (typeof error !== 'object' || error === null || !(name in error)) return '';
  const value: unknown = (error as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : '';
}
