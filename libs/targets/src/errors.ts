import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** A name that would lead out of the target's folder, or over a symbolic link. */
export class UnsafePath extends LedgerliftError {
  readonly code = 'LL-TGT-001';
  constructor(
    readonly root: string,
    readonly path: string,
    why: string,
  ) {
    super(`"${path}" is not used: ${why}. Everything Ledgerlift writes stays inside "${root}".`);
  }
}

/** There is something under the VM's name that this migration did not make. It is left as it is. */
export class NotOurs extends LedgerliftError {
  readonly code = 'LL-TGT-002';
  constructor(
    readonly path: string,
    why: string,
  ) {
    super(
      `"${path}" was not made by this migration (${why}) and is left untouched. Move it away, or give the VM ` +
        'another targetName in the plan.',
    );
  }
}

/** A disk file of ours exists, but is not what the record says. */
export class WrongDisk extends LedgerliftError {
  readonly code = 'LL-TGT-003';
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(
      `the disk "${path}" is ${actual}, where ${expected} is expected. Cancel the migration of the VM, which ` +
        'removes the file, and start it again.',
    );
  }
}

/** A folder of ours holds files that are not: it stays, and so do they. */
export class FolderNotEmpty extends LedgerliftError {
  readonly code = 'LL-TGT-004';
  constructor(
    readonly path: string,
    readonly found: readonly string[],
  ) {
    super(
      `the folder "${path}" is not removed, for it holds what Ledgerlift did not put there: ` +
        `${found.slice(0, 5).join(', ')}${found.length > 5 ? ', …' : ''}. Move these away, then remove the folder.`,
    );
  }
}

/** The file system refused: full, read-only, not allowed, gone. */
export class TargetUnusable extends LedgerliftError {
  readonly code = 'LL-TGT-005';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly path: string,
    why: string,
    cause?: unknown,
  ) {
    super(`the target "${path}" cannot be used: ${why}. Check that it is mounted, writable and has room.`, {
      cause,
    });
  }
}

/** A tool that the directory target runs failed or is not installed. */
export class ToolFailed extends LedgerliftError {
  readonly code = 'LL-TGT-006';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly tool: string,
    why: string,
    cause?: unknown,
  ) {
    super(
      `${tool} failed: ${why}. \`ledgerlift doctor\` says what is missing on this machine and how to get it.`,
      {
        cause,
      },
    );
  }
}

/** The record and what is asked of it do not fit together: another version of the planner wrote it, or it is a fault. */
export class RecordMismatch extends LedgerliftError {
  readonly code = 'LL-TGT-007';
  constructor(what: string) {
    super(
      `${what}. The migration was recorded by another version of Ledgerlift; cancel it and start it again.`,
    );
  }
}
