import { setTimeout as delay } from 'node:timers/promises';
import { PeerFailed } from '../errors.js';
import type { OwnedProcess } from '../processes/index.js';

/**
 * Asks again until the answer is yes; an error counts as no.
 *
 * @throws PeerFailed when the process ends, or two minutes are over, first
 */
export async function untilReady(process: OwnedProcess, ask: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 120_000;
  let last: unknown;
  for (;;) {
    const isReady = await ask().catch((error: unknown) => {
      last = error;
      return false;
    });
    if (isReady) return;
    if (!process.alive) throw new PeerFailed(process.name, 'ended before it was ready', process.output);
    if (Date.now() > end) throw new PeerFailed(process.name, `is not ready: ${String(last)}`, process.output);
    await delay(50);
  }
}
