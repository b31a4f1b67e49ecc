import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OwnerLock {
  release(): void;
}

const POLL_MS = 250;

/**
 * Waits until this process alone may write the log. The lock is a transaction that is never ended, on a file beside
 * the log: the kernel drops it with the process, whatever killed it.
 *
 * @param onWaiting called once when somebody else has it
 * @throws the signal's reason when it aborts while waiting
 */
export async function acquireOwnership(
  path: string,
  onWaiting: () => void,
  signal?: AbortSignal,
): Promise<OwnerLock> {
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (!told) onWaiting();
    told = true;
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

function tryLock(path: string): OwnerLock | undefined {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

const SQLITE_BUSY = 5;
const isBusy = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'errcode' in error &&
  (Number(error.errcode) & 0xff) === SQLITE_BUSY;
