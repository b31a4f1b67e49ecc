import { expect, it } from '@jest/globals';
import { type EventLog, type StoredEvent, comparePositions } from '../port.js';
import { type LogUnderTest, all } from './log-under-test.js';
import { newEvents } from './new-events.js';

const CAUGHT_UP = 'caught up';

/** Follows a log and records `count` notifications. */
async function follow(
  log: EventLog,
  count: number,
  after?: string,
  onCaughtUp: () => void = () => undefined,
): Promise<readonly string[]> {
  const seen: string[] = [];
  const stop = new AbortController();
  const note = (what: string): void => {
    seen.push(what);
    if (seen.length >= count) stop.abort();
  };
  await log.subscribe({
    ...(after === undefined ? {} : { after }),
    onEvents: (events) => {
      for (const { stream, revision } of events) note(`${stream}${revision}`);
    },
    onCaughtUp: () => {
      note(CAUGHT_UP);
      onCaughtUp();
    },
    signal: stop.signal,
  });
  return seen;
}

export function subscriptionContract(under: () => LogUnderTest): void {
  it('delivers existing events, signals that it has caught up, and delivers new ones', async () => {
    const { log } = under();
    await log.append('a', newEvents(3), 'no-stream');
    let appending: Promise<unknown> | undefined;
    const seen = await follow(log, 7, undefined, () => (appending ??= log.append('a', newEvents(2), 2)));
    await appending;
    expect(seen).toEqual(['a0', 'a1', 'a2', CAUGHT_UP, 'a3', 'a4', CAUGHT_UP]);
  });

  it('of an empty log has caught up at once', async () => {
    expect(await follow(under().log, 1)).toEqual([CAUGHT_UP]);
  });

  it('begins after the given position, even after reopening the log', async () => {
    await under().log.append('a', newEvents(3), 'no-stream');
    const [, second] = await all(under().log.readAll());
    expect(await follow(under().log, 2, second?.position)).toEqual(['a2', CAUGHT_UP]);
    const log = await under().reopen();
    expect(await follow(log, 2, second?.position)).toEqual(['a2', CAUGHT_UP]);
  });

  it('continues where it was after its connection is lost', async () => {
    const { log } = under();
    await log.append('a', newEvents(2), 'no-stream');
    let appending: Promise<unknown> | undefined;
    const seen = await follow(log, 6, undefined, () => {
      appending ??= under()
        .loseConnections()
        .then(() => log.append('a', newEvents(2), 1));
    });
    await appending;
    expect(seen).toEqual(['a0', 'a1', CAUGHT_UP, 'a2', 'a3', CAUGHT_UP]);
  });

  it('beside the owner gets the events that the owner appends', async () => {
    const reader = await under().openReader();
    let appending: Promise<unknown> | undefined;
    const seen = await follow(reader, 3, undefined, () => {
      appending ??= under().log.append('a', newEvents(2), 'no-stream');
    });
    await appending;
    await reader.close();
    expect(seen.slice(0, 3)).toEqual([CAUGHT_UP, 'a0', 'a1']);
  });

  it('delivers the next batch only after the previous one was handled', async () => {
    const { log } = under();
    await log.append('a', newEvents(1200), 'no-stream');
    const stop = new AbortController();
    let [handling, most, count] = [0, 0, 0];
    await log.subscribe({
      onEvents: async (events) => {
        most = Math.max(most, (handling += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        handling -= 1;
        if ((count += events.length) === 1200) stop.abort();
      },
      signal: stop.signal,
    });
    expect(most).toBe(1);
  });

  it('fails with the error of its handler', async () => {
    await under().log.append('a', newEvents(1), 'no-stream');
    const failing = under().log.subscribe({
      onEvents: () => Promise.reject(new Error('a broken projection')),
      signal: AbortSignal.timeout(5000),
    });
    await expect(failing).rejects.toThrow('a broken projection');
  });

  it('ends when the log is closed', async () => {
    const following = follow(under().log, 100);
    await under().reopen();
    expect(await following).toEqual([CAUGHT_UP]);
  });

  it('never delivers an event before one already delivered, whoever writes meanwhile', async () => {
    const [streams, appends] = [40, 5];
    const total = streams * appends * 2;
    const reader = await under().openReader();
    const readings = [positions(under().log, total), positions(reader, total)];
    const write = async (stream: string): Promise<void> => {
      for (let n = 0; n < appends; n += 1)
        await under().log.append(stream, newEvents(2), n === 0 ? 'no-stream' : n * 2 - 1);
    };
    await Promise.all(Array.from({ length: streams }, (_, n) => write(`s-${n}`)));
    const inOrder = (await all(under().log.readAll())).map(({ position }) => position);
    expect(inOrder).toHaveLength(total);
    expect(inOrder).toEqual(inOrder.toSorted(comparePositions));
    for (const seen of await Promise.all(readings)) expect(seen).toEqual(inOrder);
    await reader.close();
  });
}

/** Positions in the order in which a subscription gives them, until it has given `total`. */
async function positions(log: EventLog, total: number): Promise<readonly string[]> {
  const stop = new AbortController();
  const seen: StoredEvent[] = [];
  await log.subscribe({
    onEvents: (events) => {
      seen.push(...events);
      if (seen.length >= total) stop.abort();
    },
    signal: stop.signal,
  });
  return seen.map(({ position }) => position);
}
