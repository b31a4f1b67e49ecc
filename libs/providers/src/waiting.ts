import { setTimeout as delay } from 'node:timers/promises';
import type { Patience } from './port.js';

const SHORTEST_MS = 10;
const LONGEST_MS = 1000;

/**
 * Polls until `ask` has an answer, backing off from 10 ms to 1 s.
 *
 * @param tooLong makes the error to throw after the time limit
 * @throws the signal's reason if it aborts
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
    // Node would throw its own AbortError, with the reason only as its cause.
    await delay(Math.min(pause, left), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

/** Waits for a promise until the signal aborts. Other callers can still wait for the same promise. @throws the signal's reason */
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
