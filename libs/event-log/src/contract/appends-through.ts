import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { auditVerify } from '../audit.js';
import type { EventLog } from '../port.js';
import { newEvents } from './new-events.js';

const MORE = 50;

/**
 * Appends to several streams at once, and strikes each blow while that goes on, such as a kill of the server. Every acknowledged
 * event must be in the log once, and a subscription must see all in the log's order.
 */
export async function expectAppendsThrough(
  log: EventLog,
  blows: readonly (() => Promise<unknown>)[],
): Promise<void> {
  const stop = new AbortController();
  const seen: string[] = [];
  const following = log.subscribe({
    onEvents: (events) => void seen.push(...events.map(({ id }) => id)),
    signal: stop.signal,
  });
  const acknowledged: string[] = [];
  let isOver = false;
  const writing = Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map(async (stream) => {
      for (let revision: number | 'no-stream' = 'no-stream'; !isOver;) {
        const { events } = await log.append(stream, newEvents(2), revision);
        revision = events.at(-1)?.revision ?? 0;
        acknowledged.push(...events.map(({ id }) => id));
      }
    }),
  );
  const more = async (): Promise<void> => {
    const before = acknowledged.length;
    while (acknowledged.length < before + MORE) await sleep(5);
  };
  for (const strike of blows) {
    await more();
    await strike();
  }
  await more();
  isOver = true;
  await writing;
  const inOrder = (await Array.fromAsync(log.readAll())).map(({ id }) => id);
  expect(inOrder).toHaveLength(acknowledged.length);
  expect(new Set(inOrder)).toEqual(new Set(acknowledged));
  while (seen.length < inOrder.length) await sleep(5);
  expect(seen).toEqual(inOrder);
  expect((await auditVerify(log)).findings).toEqual([]);
  stop.abort();
  await following;
}
