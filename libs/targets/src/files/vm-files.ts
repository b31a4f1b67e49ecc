import type { VmRecord } from '@ledgerlift/contracts';
import type { Guard, LogKind, Purpose, Room, VmAtWork, WorkLog, Workplace } from '../workplace.js';
import { conversionAtWork } from './conversion-at-work.js';
import { diskHolder } from './disk-locks.js';
import { bytesOnDisk, freeBytes } from './disks.js';
import { disksAtWork } from './disks-at-work.js';
import { layoutOf } from './layout.js';

/** A VM whose disks, and all that is made beside them, are files of the machine that works on them (`layoutOf` names them). */
export interface VmFiles {
  readonly record: VmRecord;
  /** Absolute path under which all of them lie. */
  readonly root: string;
  /** Absolute path of something that the record names; makes nothing. @throws UnsafePath */
  path(name: string): Promise<string>;
  /** The same, and the folder that it lies in is there. @throws NotOurs, TargetUnusable, UnsafePath */
  pathToMake(name: string): Promise<string>;
  /** Absolute paths of the disks, in the record's order. @throws UnsafePath */
  disks(): Promise<string[]>;
}

/** What a workplace on files need not say itself. */
export type WorkOnFiles = Pick<Workplace, 'room' | 'disks' | 'conversion' | 'log'> & AsyncDisposable;

const logKinds = {
  migration: 'conversion',
  test: 'testConversion',
  inspection: 'preflightInspection',
} as const satisfies Record<Purpose, LogKind>;

/** A workplace's disks, conversions and logs, where they are files. Whose place it is, and how it goes, its target says. */
export function workOnFiles(files: VmFiles, guard: Guard): WorkOnFiles {
  const log = (kind: LogKind): WorkLog => {
    const name = layoutOf(files.record).logs[kind];
    return { name, path: () => files.pathToMake(name) };
  };
  return {
    room: () => roomOf(files),
    disks: disksAtWork(files, guard),
    conversion: (purpose) => conversionAtWork(files, guard, purpose, log(logKinds[purpose])),
    log,
    // Nothing of it outlives a call.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function roomOf({ root, disks }: VmFiles): Promise<Room> {
  const written = await Promise.all((await disks()).map(bytesOnDisk));
  return { where: root, freeBytes: await freeBytes(root), written };
}

/** Whoever has one of the disks open, by QEMU's image locks. @throws ToolFailed, the signal's reason */
export const holderOfDisks =
  (files: VmFiles, guard: Guard): VmAtWork['holder'] =>
  async () => {
    for (const path of await files.disks()) {
      const who = await diskHolder(path, guard.signal);
      if (who !== undefined) return { path, who };
    }
    return undefined;
  };
