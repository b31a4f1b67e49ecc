import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditVerify } from '../audit.js';
import { EventIdReused, RevisionConflict } from '../errors.js';
import { type EventLog, type StoredEvent, comparePositions } from '../port.js';
import { newEvents } from './new-events.js';

export interface LogUnderTest {
  readonly log: EventLog;
  /** Loses every connection and opens the same log again. */
  reopen(): Promise<EventLog>;
  destroy(): Promise<void>;
}

const all = async (events: AsyncIterable<StoredEvent>): Promise<readonly StoredEvent[]> =>
  Array.fromAsync(events);
const revisions = async (events: AsyncIterable<StoredEvent>): Promise<number[]> =>
  (await all(events)).map(({ revision }) => revision);

/** What every adapter of the event log must hold, whatever its engine. */
export function eventLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`the event log on ${name}`, () => {
    let under: LogUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under.destroy());

    describe('append', () => {
      it('numbers the events of each stream 0, 1, 2…', async () => {
        await under.log.append('a', newEvents(2), 'no-stream');
        await under.log.append('b', newEvents(1), 'no-stream');
        await under.log.append('a', newEvents(1), 1);
        expect(await revisions(under.log.readStream('a'))).toEqual([0, 1, 2]);
        expect(await revisions(under.log.readStream('b'))).toEqual([0]);
      });

      it.each([
        ['no-stream, but there is one', 'no-stream' as const],
        ['an older revision', 0],
        ['a newer revision', 7],
      ])('at %s is a conflict, and writes nothing', async (_, expected) => {
        await under.log.append('a', newEvents(2), 'no-stream');
        await expect(under.log.append('a', newEvents(2), expected)).rejects.toThrow(RevisionConflict);
        expect(await revisions(under.log.readStream('a'))).toEqual([0, 1]);
      });

      it('at a revision of a stream that does not exist is a conflict', async () => {
        await expect(under.log.append('a', newEvents(1), 0)).rejects.toThrow(RevisionConflict);
      });

      it('of the same ids at the same revision returns the first result', async () => {
        const events = newEvents(3);
        const first = await under.log.append('a', events, 'no-stream');
        await under.log.append('a', newEvents(1), 2);
        const second = await under.log.append('a', events, 'no-stream');
        expect(second).toEqual({ outcome: 'was-there-already', events: first.events });
        expect(await revisions(under.log.readStream('a'))).toEqual([0, 1, 2, 3]);
      });

      it('of an id that is elsewhere already is an error, and writes nothing', async () => {
        const [event] = newEvents(1);
        if (event === undefined) throw new Error('no event was made');
        await under.log.append('a', [event], 'no-stream');
        await expect(under.log.append('b', [event], 'no-stream')).rejects.toThrow(EventIdReused);
        await expect(under.log.append('a', [event, ...newEvents(1)], 0)).rejects.toThrow(EventIdReused);
        await expect(under.log.append('a', [...newEvents(1), event], 0)).rejects.toThrow(EventIdReused);
        expect(await all(under.log.readAll())).toHaveLength(1);
      });

      it('is won by one of many at the same revision', async () => {
        const attempts = Array.from({ length: 20 }, () => under.log.append('a', newEvents(2), 'no-stream'));
        const settled = await Promise.allSettled(attempts);
        expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await revisions(under.log.readStream('a'))).toEqual([0, 1]);
      });

      it('keeps the event as it was given', async () => {
        const [event] = newEvents(1, {
          data: { text: 'ü\u0000\u2028"', deep: [{ n: 1.5 }] },
          traceparent: '00-a-b-01',
          idempotencyKey: 'k',
        });
        if (event === undefined) throw new Error('no event was made');
        await under.log.append('a', [event], 'no-stream');
        const [stored] = await all(under.log.readAll());
        expect(stored).toMatchObject({ ...event, stream: 'a', revision: 0 });
      });
    });

    describe('reading', () => {
      beforeEach(async () => {
        await under.log.append('a', newEvents(5), 'no-stream');
        await under.log.append('b', newEvents(2), 'no-stream');
      });

      it('a stream goes forwards and backwards, from and to', async () => {
        expect(await revisions(under.log.readStream('a', { from: 1, to: 3 }))).toEqual([1, 2, 3]);
        expect(await revisions(under.log.readStream('a', { direction: 'backwards' }))).toEqual([
          4, 3, 2, 1, 0,
        ]);
        expect(
          await revisions(under.log.readStream('a', { direction: 'backwards', from: 3, to: 2 })),
        ).toEqual([3, 2]);
        expect(await revisions(under.log.readStream('nowhere'))).toEqual([]);
      });

      it('all goes in the order of the positions, after one, backwards, and to a limit', async () => {
        const everything = await all(under.log.readAll());
        expect(everything.map(({ stream }) => stream)).toEqual(['a', 'a', 'a', 'a', 'a', 'b', 'b']);
        const third = everything[2]?.position ?? '';
        expect(await all(under.log.readAll({ after: third }))).toEqual(everything.slice(3));
        expect(await all(under.log.readAll({ after: third, limit: 2 }))).toEqual(everything.slice(3, 5));
        expect(await all(under.log.readAll({ direction: 'backwards', after: third }))).toEqual(
          everything.slice(0, 2).reverse(),
        );
      });

      it('more than a page loses and doubles nothing', async () => {
        await under.log.append('c', newEvents(2500), 'no-stream');
        expect(await revisions(under.log.readStream('c'))).toEqual(Array.from({ length: 2500 }, (_, n) => n));
        expect(await all(under.log.readAll())).toHaveLength(2507);
        expect(await revisions(under.log.readStream('c', { direction: 'backwards' }))).toHaveLength(2500);
      });

      it('tells the heads', async () => {
        const everything = await all(under.log.readAll());
        expect(await under.log.head()).toBe(everything.at(-1)?.position);
        expect(await under.log.streamHead('a')).toMatchObject({ revision: 4, hash: everything[4]?.hash });
        expect(await under.log.streamHead('nowhere')).toBeUndefined();
        const heads = await Array.fromAsync(under.log.listStreams());
        expect(heads.map(({ stream, revision }) => [stream, revision])).toEqual([
          ['a', 4],
          ['b', 1],
        ]);
      });
    });

    describe('a subscription', () => {
      it('gives what was there, says that it has caught up, and gives what comes', async () => {
        await under.log.append('a', newEvents(3), 'no-stream');
        const seen: (string | number)[] = [];
        const stop = new AbortController();
        const done = under.log.subscribe({
          onEvents: (events) => {
            for (const { revision } of events) seen.push(revision);
            if (seen.length >= 6) stop.abort();
          },
          onCaughtUp: () => {
            seen.push('caught up');
            void under.log.append('a', newEvents(2), 2).catch(() => undefined);
          },
          signal: stop.signal,
        });
        await done;
        expect(seen).toEqual([0, 1, 2, 'caught up', 3, 4]);
      });

      it('goes on after the last position when the connection was lost', async () => {
        await under.log.append('a', newEvents(3), 'no-stream');
        const [, second] = await all(under.log.readAll());
        const log = await under.reopen();
        const stop = new AbortController();
        const seen: number[] = [];
        await log.subscribe({
          after: second?.position ?? '',
          onEvents: (events) => {
            for (const { revision } of events) seen.push(revision);
          },
          onCaughtUp: () => stop.abort(),
          signal: stop.signal,
        });
        expect(seen).toEqual([2]);
      });
    });

    it('never shows a reader something before what it has seen, whoever writes meanwhile', async () => {
      const stop = new AbortController();
      const seen: StoredEvent[] = [];
      const total = 40 * 5 * 2;
      const reading = under.log.subscribe({
        onEvents: (events) => {
          seen.push(...events);
          if (seen.length >= total) stop.abort();
        },
        signal: stop.signal,
      });
      const write = async (stream: string): Promise<void> => {
        for (let n = 0; n < 5; n += 1)
          await under.log.append(stream, newEvents(2), n === 0 ? 'no-stream' : n * 2 - 1);
      };
      await Promise.all(Array.from({ length: 40 }, (_, n) => write(`s-${n}`)));
      await reading;
      const inOrder = seen.every((event, index) => {
        const before = seen[index - 1];
        return before === undefined || comparePositions(before.position, event.position) < 0;
      });
      expect(inOrder).toBe(true);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(total);
    });

    it('chains each stream, and finds nothing wrong with it after it was opened again', async () => {
      await under.log.append('a', newEvents(3), 'no-stream');
      await under.log.append('a', newEvents(2), 2);
      const log = await under.reopen();
      expect(await auditVerify(log)).toEqual({ events: 5, streams: 1, findings: [] });
    });
  });
}
