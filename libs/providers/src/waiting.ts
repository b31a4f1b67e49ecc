import { setTimeout as delay } from 'node:timers/promises';
import type { Patience } from './port.js';

const SHORTEST_MS = 10;
const LONGEST_MS = 1000;

/**
 * Asks until there is an answer, more and more seldom.
 *
 * @param tooLong what is thrown when the time limit is over
 * @throws the signal's reason once it is aborted
 */
export async function askUntil<T>(
  { signal, timeLimitMs }: Patience,
  tooLong: () => Error,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeLimitMs;
  for (let pause = SHORTEST_MS; ; pause = Math.min(pause * 1.5, LONGEST_MS)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const left = deadline - performance.now();
    if (left <= 0) throw tooLong();
    // Node throws an error of its own, with the reason as its cause.
    await delay(Math.min(pause, left), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

/** Waits no longer than the signal allows, and leaves the promise to the others who wait for it. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
    promise.catch(() => undefined);
  }
}
