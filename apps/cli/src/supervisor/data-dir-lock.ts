import { mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Mark, type ProcessId, identify, isAlive, writeFileAtomic } from '@ledgerlift/processes';
import { z } from 'zod';

/** Who runs the installation of a data directory. */
const Holder = z.object({ pid: z.int().min(1), startTicks: z.int().min(0) });

const HOLDER_FILE = 'up.json';

/** By it the processes of an installation are found when whoever started them is gone. */
export const installationMark = (value: string): Mark => ({ variable: 'LEDGERLIFT_UP_OF', value });

/**
 * The right to run or to clean up the installation of one data directory. It is a transaction that is never ended, on a
 * file in the directory: the kernel drops it with the process, so a lock is never stale, however its holder died.
 */
export interface DataDirLock {
  /** What processes of this installation carry in their environment. */
  readonly mark: Mark;
  /** Tells others whom to ask to stop. */
  publish(): Promise<void>;
  /** Withdraws what `publish` told, and gives the lock up. */
  release(): Promise<void>;
}

/** @returns undefined when another process holds it */
export async function tryLockDataDir(dataDir: string): Promise<DataDirLock | undefined> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const folder = await realpath(dataDir);
  const lock = tryLock(join(folder, 'up.lock'));
  if (lock === undefined) return undefined;
  const holderFile = join(folder, HOLDER_FILE);
  const { dev, ino } = await stat(folder, { bigint: true });
  return {
    // The path alone could be that of another file system, in a container, say.
    mark: installationMark(`${dev}:${ino}:${folder}`),
    publish: async () => {
      await writeFileAtomic(holderFile, JSON.stringify(await identify(process.pid)), { mode: 0o600 });
    },
    release: async () => {
      await rm(holderFile, { force: true });
      lock.close();
    },
  };
}

/**
 * @returns the process that holds the lock; undefined when it has not told yet, or has died: the file of a process that
 *   was killed stays behind, and its pid may have been given to another
 */
export async function holderOf(dataDir: string): Promise<ProcessId | undefined> {
  const text = await readFile(join(dataDir, HOLDER_FILE), 'utf8').catch(() => '');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { data } = Holder.safeParse(json);
  return data !== undefined && (await isAlive(data)) ? data : undefined;
}

function tryLock(path: string): DatabaseSync | undefined {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    // https://www.sqlite.org/rescode.html#busy
    if (error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === 5) return undefined;
    throw error;
  }
}
