import { CommandRefused } from '@ledgerlift/migration';

import { setImmediate as nextTurn } from 'node:timers/promises';

/** As many are done in one turn of the event loop: they share a commit, and nobody else waits for long. */
const PORTION = 200;

/** Does the same for each of many, a portion at once, so that leases are still answered meanwhile. */
export async function inPortions<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  portion = PORTION,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += portion) {
    results.push(...(await Promise.all(items.slice(from, from + portion).map(work))));
    await nextTurn();
  }
  return results;
}

/** @returns how many of the streams took what was asked; one for which it makes no sense now is left out */
export async function takenBy(
  streams: readonly string[],
  ask: (stream: string) => Promise<{ readonly events: readonly unknown[] }>,
): Promise<number> {
  const taken = await inPortions(streams, async (stream) => {
    try {
      return (await ask(stream)).events.length > 0 ? 1 : 0;
    } catch (error) {
      if (error instanceof CommandRefused) return 0;
      throw error;
    }
  });
  return taken.reduce<number>((sum, each) => sum + each, 0);
}
