import { open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { FolderNotEmpty } from '../errors.js';
import type { LogTail } from '../port.js';
import type { Guard, LogKind, Purpose, Room, VmAtWork, WorkLog, Workplace } from '../workplace.js';
import { conversionAtWork, disksAtWork } from './at-work.js';
import { diskHolder } from './disk-locks.js';
import { bytesOnDisk, freeBytes } from './disks.js';
import { layoutOf, SUBFOLDERS } from './layout.js';
import { errorCode, makeFolders, removeEmptyFolder, resolveInside } from './paths.js';

/** A VM whose disks and their companion files are local files of the worker (named by `layoutOf`). */
export interface VmFiles {
  readonly record: VmRecord;
  /** Absolute path of the folder that contains them all. */
  readonly root: string;
  /** Returns the absolute path of a name in the record. Creates nothing. @throws UnsafePath */
  path(name: string): Promise<string>;
  /** Like `path`, and creates the parent folder. @throws NotOurs, TargetUnusable, UnsafePath */
  pathToMake(name: string): Promise<string>;
  /** Returns the absolute paths of the disks, in the record's order. @throws UnsafePath */
  disks(): Promise<string[]>;
}

/**
 * Locates a VM's files by their names below a folder that only we write to.
 *
 * @param path finds a name, where not all names are below `root`
 */
export const filesBelow = (
  root: string,
  record: VmRecord,
  path: VmFiles['path'] = (name) => resolveInside(root, name),
): VmFiles => ({
  record,
  root,
  path,
  pathToMake: async (name) => {
    const found = await path(name);
    await makeFolders(dirname(found));
    return found;
  },
  disks: () => Promise.all(record.disks.map(({ name }) => path(name))),
});

/**
 * Removes our empty subfolders of a VM's folder.
 *
 * @param own names in it that go with the folder
 * @throws FolderNotEmpty if it holds anything else: it is kept
 */
export async function emptyFolder(path: string, own: readonly string[]): Promise<void> {
  for (const name of SUBFOLDERS) await removeEmptyFolder(join(path, name));
  const left = (await readdir(path)).filter((name) => !own.includes(name));
  if (left.length > 0) throw new FolderNotEmpty(path, left);
}

/** The parts of a workplace that all file-based targets share. */
export type WorkOnFiles = Pick<Workplace, 'room' | 'disks' | 'conversion' | 'log'> & AsyncDisposable;

const logKinds = {
  migration: 'conversion',
  test: 'testConversion',
  inspection: 'preflightInspection',
} as const satisfies Record<Purpose, LogKind>;

/** Implements a workplace's disks, conversions and logs on files. The target itself handles ownership and release. */
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
    // It keeps nothing open between calls.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function roomOf({ root, disks }: VmFiles): Promise<Room> {
  const written = await Promise.all((await disks()).map(bytesOnDisk));
  return { where: root, freeBytes: await freeBytes(root), written };
}

/** Finds a process that has one of the disks open, by QEMU's image locks. @throws ToolFailed, the signal's reason */
export const holderOfDisks =
  (files: VmFiles, guard: Guard): VmAtWork['holder'] =>
  async () => {
    for (const path of await files.disks()) {
      const who = await diskHolder(path, guard.signal);
      if (who !== undefined) return { path, who };
    }
    return undefined;
  };

/**
 * Reads the end of a log in a local file.
 *
 * @param path absolute
 * @returns undefined if it does not exist
 * @throws the system's error if it cannot be read
 */
export async function tailOf(path: string, tailBytes: number): Promise<LogTail | undefined> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { text: buffer.subarray(0, bytesRead).toString('utf8'), sizeBytes: size };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
