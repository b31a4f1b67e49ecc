import { setImmediate } from 'node:timers/promises';
import type { Guard } from './workplace.js';

/**
 * The guard of an attempt, for as long as its signal lasts. A process that was stopped for a while first lets its timers
 * run, and so learns that its lease is over.
 */
export const guardOf = ({
  ref,
  signal,
}: {
  readonly ref: { readonly attempt: number };
  readonly signal: AbortSignal;
}): Guard => ({
  generation: ref.attempt,
  signal,
  stillOurs: async () => {
    await setImmediate();
    signal.throwIfAborted();
  },
});
