import { setImmediate } from 'node:timers/promises';
import type { Attempt } from './attempt.js';

/** What whoever works for an attempt must know of it. */
export interface AttemptGuard {
  /** Number of the attempt, which grows with each. */
  readonly generation: number;
  readonly signal: AbortSignal;
  /**
   * To be called before each thing that cannot be undone. A process that was stopped for a while first lets its timers
   * run, and so learns that its lease is over.
   * @throws the signal's reason
   */
  stillOurs(): Promise<void>;
}

export const guardOf = ({ ref, signal }: Pick<Attempt, 'ref' | 'signal'>): AttemptGuard => ({
  generation: ref.attempt,
  signal,
  stillOurs: async () => {
    await setImmediate();
    signal.throwIfAborted();
  },
});
