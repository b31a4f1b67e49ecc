import { expect, it } from '@jest/globals';
import { BadAppend, EventIdReused, RevisionConflict } from '../errors.js';
import { type LogUnderTest, all, revisions } from './log-under-test.js';
import { newEvent, newEvents } from './new-events.js';

export function appendContract(under: () => LogUnderTest): void {
  it('numbers the events of each stream 0, 1, 2…', async () => {
    const { log } = under();
    await log.append('a', newEvents(2), 'no-stream');
    await log.append('b', newEvents(1), 'no-stream');
    const { events } = await log.append('a', newEvents(1), 1);
    expect(events.map(({ revision }) => revision)).toEqual([2]);
    expect(await revisions(log.readStream('a'))).toEqual([0, 1, 2]);
    expect(await revisions(log.readStream('b'))).toEqual([0]);
  });

  it.each([
    ['no-stream, but there is one', 'no-stream' as const],
    ['an older revision', 0],
    ['a newer revision', 7],
  ])('at %s is a conflict, and writes nothing', async (_, expected) => {
    const { log } = under();
    await log.append('a', newEvents(2), 'no-stream');
    const conflict = await log.append('a', newEvents(2), expected).catch((error: unknown) => error);
    expect(conflict).toBeInstanceOf(RevisionConflict);
    expect(conflict).toMatchObject({ code: 'LL-LOG-001', stream: 'a', expected, actual: 1 });
    expect(await revisions(log.readStream('a'))).toEqual([0, 1]);
  });

  it('at a revision of a stream that does not exist is a conflict', async () => {
    const { log } = under();
    const conflict = await log.append('a', newEvents(1), 0).catch((error: unknown) => error);
    expect(conflict).toMatchObject({ code: 'LL-LOG-001', actual: 'no-stream' });
  });

  it('of the same ids at the same revision returns the first result, even later and after reopening the log', async () => {
    const events = newEvents(3);
    const first = await under().log.append('a', events, 'no-stream');
    await under().log.append('a', newEvents(1), 2);
    const again = { outcome: 'was-there-already', events: first.events };
    expect(await under().log.append('a', events, 'no-stream')).toEqual(again);
    const log = await under().reopen();
    expect(await log.append('a', events, 'no-stream')).toEqual(again);
    expect(await revisions(log.readStream('a'))).toEqual([0, 1, 2, 3]);
  });

  it('requested twice at once is done once', async () => {
    const { log } = under();
    const events = newEvents(2);
    const both = await Promise.all([
      log.append('a', events, 'no-stream'),
      log.append('a', events, 'no-stream'),
    ]);
    expect(both.map(({ outcome }) => outcome)).toEqual(['appended', 'was-there-already']);
    expect(both[1]?.events).toEqual(both[0]?.events);
    expect(await revisions(log.readStream('a'))).toEqual([0, 1]);
  });

  it('of an id that already exists elsewhere is an error, and writes nothing', async () => {
    const { log } = under();
    const event = newEvent();
    await log.append('a', [event], 'no-stream');
    await expect(log.append('b', [event], 'no-stream')).rejects.toThrow(EventIdReused);
    await expect(log.append('a', [event], 0)).rejects.toThrow(EventIdReused);
    await expect(log.append('a', [event, newEvent()], 'no-stream')).rejects.toThrow(EventIdReused);
    await expect(log.append('a', [newEvent(), event], 0)).rejects.toThrow(EventIdReused);
    const twice = newEvent();
    await expect(log.append('a', [twice, twice], 0)).rejects.toThrow(EventIdReused);
    expect(await all(log.readAll())).toHaveLength(1);
  });

  it('succeeds for only one of many at the same revision', async () => {
    const { log } = under();
    const attempts = Array.from({ length: 20 }, () => log.append('a', newEvents(2), 'no-stream'));
    const settled = await Promise.allSettled(attempts);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await revisions(log.readStream('a'))).toEqual([0, 1]);
  });

  it('fails alone, without failing concurrent appends', async () => {
    const { log } = under();
    await log.append('a', newEvents(2), 'no-stream');
    const [known] = await all(log.readAll());
    const settled = await Promise.allSettled([
      log.append('b', newEvents(2), 'no-stream'),
      log.append('a', newEvents(2), 'no-stream'),
      log.append('c', [newEvent({ data: 1n })], 'no-stream'),
      log.append('c', [newEvent(), newEvent({ id: known?.id ?? '' })], 'no-stream'),
      log.append('c', newEvents(1), 'no-stream'),
      log.append('a', newEvents(1), 1),
    ]);
    expect(settled.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
    ]);
    const inOrder = (await all(log.readAll())).map(({ stream, revision }) => `${stream}${revision}`);
    expect(inOrder).toEqual(['a0', 'a1', 'b0', 'b1', 'c0', 'a2']);
  });

  it('ignores later changes to the event object', async () => {
    const { log } = under();
    const data = { text: 'ü\u0000\u2028"😀', deep: [{ n: 1.5, none: null, __proto: [] }], big: 2 ** 53 };
    const event = newEvent({ data, traceparent: '00-a-b-01', idempotencyKey: 'k' });
    const asGiven = { ...structuredClone(event), stream: 'vm-é', revision: 0 };
    const appending = log.append('vm-é', [event], 'no-stream');
    data.text = 'changed while it waited';
    const { events } = await appending;
    expect(events).toEqual([{ ...asGiven, position: expect.any(String), hash: expect.any(String) }]);
    expect(await all(log.readAll())).toEqual(events);
    expect(await all((await under().reopen()).readStream('vm-é'))).toEqual(events);
  });

  it.each([
    ['no events', 'events', { events: [] }],
    ['no stream name', 'stream', { stream: '' }],
    ['a control character in the stream name', 'stream', { stream: 'a\n' }],
    ['a revision that cannot be', 'expected', { expected: -1 }],
    ['an id that is no UUID', 'events[0].id', { events: [newEvent({ id: 'one' })] }],
    ['a time of another form', 'events[0].time', { events: [newEvent({ time: '2026-11-23' })] }],
    ['a version that is no number', 'events[0].version', { events: [newEvent({ version: Number.NaN })] }],
    ['no data', 'events[0].data', { events: [newEvent({ data: undefined })] }],
    ['half a character', 'events[1]', { events: [newEvent(), newEvent({ data: '\ud800' })] }],
  ])('of %s is refused with the field', async (_, field, change) => {
    const { stream, events, expected } = {
      ...{ stream: 'a', events: newEvents(1), expected: 'no-stream' as const },
      ...change,
    };
    const refused = await under()
      .log.append(stream, events, expected)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BadAppend);
    expect(refused).toMatchObject({ field });
    expect(await under().log.head()).toBeUndefined();
  });
}
