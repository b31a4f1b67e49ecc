import { CommandRefused } from '@ledgerlift/migration';

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Items per turn of the event loop: enough to share a commit, and few enough that other work does not wait long. */
const PORTION = 200;

/** Runs `work` for every item, one portion at a time, so that lease requests are still answered meanwhile. */
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

/** Skips streams that refuse. @returns how many streams the command changed */
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
