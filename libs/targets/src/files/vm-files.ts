import { open } from 'node:fs/promises';
import type { VmRecord } from '@ledgerlift/contracts';
import type { LogTail } from '../port.js';
import type { Guard, LogKind, Purpose, Room, VmAtWork, WorkLog, Workplace } from '../workplace.js';
import { conversionAtWork, disksAtWork } from './at-work.js';
import { diskHolder } from './disk-locks.js';
import { bytesOnDisk, freeBytes } from './disks.js';
import { layoutOf } from './layout.js';
import { errorCode } from './paths.js';

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
