import { setTimeout as sleep } from 'node:timers/promises';
import { LogNotOpen } from './errors.js';

const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 1000];

/** A connection to a server that may be away for a while. */
export interface Patience {
  readonly isClosed: boolean;
  /** How long work is repeated while the server cannot be reached, in milliseconds: a restart or a failover takes that long. */
  readonly patienceMs: number;
  /** Whether the server cannot be reached, or does not take work now: the same may succeed later. */
  readonly isAway: (error: unknown) => boolean;
}

/** Repeats `work` while the server is away. @throws LogNotOpen; what `work` throws, after the patience if the server is away */
export async function patiently<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patience.patienceMs;
  for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (patience.isClosed) throw new LogNotOpen('reading');
    try {
      return await work();
    } catch (error) {
      if (!patience.isAway(error) || performance.now() + pause > deadline) throw error;
    }
    await sleep(pause);
  }
}

/** Codes of Node's network errors that pass. */
export const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);
