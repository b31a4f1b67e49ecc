import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy } from './sqlite-errors.js';

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
    await sleep(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }
}

function tryLock(path: string): OwnerLock | undefined {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}
