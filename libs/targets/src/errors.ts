import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** A path that leaves the target's folder or follows a symbolic link. */
export class UnsafePath extends LedgerliftError {
  readonly code = 'LL-TGT-001';
  constructor(
    readonly root: string,
    readonly path: string,
    why: string,
  ) {
    super(`refused to use "${path}": ${why}. Ledgerlift writes only inside "${root}".`);
  }
}

/** The VM's name at the target is used by something that this migration did not create. It is left untouched. */
export class NotOurs extends LedgerliftError {
  readonly code = 'LL-TGT-002';
  constructor(
    readonly path: string,
    why: string,
  ) {
    super(
      `"${path}" was not made by this migration (${why}) and is left untouched. Move it away, or choose another ` +
        'targetName for the VM in the plan.',
    );
  }
}

/** One of our disk files exists but differs from the record. */
export class WrongDisk extends LedgerliftError {
  readonly code = 'LL-TGT-003';
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(
      `the disk "${path}" is ${actual}, not ${expected}. Cancel the VM's migration, which removes the file, ` +
        'then start it again.',
    );
  }
}

/** One of our folders holds files of others. Folder and files are kept. */
export class FolderNotEmpty extends LedgerliftError {
  readonly code = 'LL-TGT-004';
  constructor(
    readonly path: string,
    readonly found: readonly string[],
  ) {
    super(
      `the folder "${path}" was not removed because it holds files that Ledgerlift did not create: ` +
        `${found.slice(0, 5).join(', ')}${found.length > 5 ? ', …' : ''}. Move them away, then remove the folder.`,
    );
  }
}

/** The target's file system is full, read-only, forbidden or gone. */
export class TargetUnusable extends LedgerliftError {
  readonly code = 'LL-TGT-005';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly path: string,
    why: string,
    cause?: unknown,
  ) {
    super(
      `the target "${path}" cannot be used: ${why}. Check that it is mounted, writable and has free space.`,
      {
        cause,
      },
    );
  }
}

/** A tool that the target runs failed or is not installed. */
export class ToolFailed extends LedgerliftError {
  readonly code = 'LL-TGT-006';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly tool: string,
    why: string,
    cause?: unknown,
  ) {
    super(
      `${tool} failed: ${why}. Run \`ledgerlift doctor\` to see what this machine lacks and how to install it.`,
      {
        cause,
      },
    );
  }
}

/** The VM's record does not support what is asked of it: another planner version wrote it, or there is a bug. */
export class RecordMismatch extends LedgerliftError {
  readonly code = 'LL-TGT-007';
  constructor(what: string) {
    super(
      `${what}. The migration was recorded by another version of Ledgerlift; cancel it and start it again.`,
    );
  }
}
