import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newEvent, newEvents } from './contract/new-events.js';
import { type LogUnderTest, all } from './contract/log-under-test.js';
import { type PostgresServer, startPostgres } from './contract/postgres-server.js';
import { openTemporaryLog } from './contract/temporary-log.js';
import { exportLog, importLog, verifyExport } from './export.js';
import { openLog } from './open.js';
import type { EventLog, StoredEvent } from './port.js';

const EVENTS = 1300;
let postgres: PostgresServer;
let from: LogUnderTest;
const opened: LogUnderTest[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  from = await openTemporaryLog();
  await from.log.append('vm-a:1', newEvents(3), 'no-stream');
  await from.log.append('vm-ü', [newEvent({ data: { text: '\u2028"😀', deep: [null, 1.5] } })], 'no-stream');
  await from.log.append('vm-a:1', [newEvent({ traceparent: '00-a-b-01', idempotencyKey: 'k' })], 2);
  for (let n = 0; n < EVENTS - 5; n += 5) await from.log.append(`vm-${n}`, newEvents(5), 'no-stream');
});
afterEach(async () => {
  for (const each of [from, ...opened.splice(0)]) await each.destroy();
});

const empty = async (): Promise<EventLog> => {
  const into = await openTemporaryLog();
  opened.push(into);
  return into.log;
};

async function exportedLines(log = from.log): Promise<readonly string[]> {
  return Array.fromAsync(exportLog(log, 'the log', 'spec'));
}

async function* given(lines: readonly string[]): AsyncIterable<string> {
  yield* lines;
}

const withoutPositions = async (log: EventLog) =>
  (await all(log.readAll())).map(({ position: _position, ...event }: StoredEvent) => event);

describe('an export', () => {
  it('moves a log to PostgreSQL and back, with every event as it was and in its order', async () => {
    const url = await postgres.createDatabase();
    const database = await openLog(url);
    const back = await empty();
    try {
      const first = await importLog(database, url, given(await exportedLines()));
      expect(first.events).toBe(EVENTS);
      expect(await importLog(back, 'back', given(await exportedLines(database)))).toEqual(first);
      expect(await withoutPositions(database)).toEqual(await withoutPositions(from.log));
      expect(await withoutPositions(back)).toEqual(await withoutPositions(from.log));
    } finally {
      await database.close();
    }
  });

  it('is lines of CloudEvents that anybody can read', async () => {
    const [first = '', ...rest] = await exportedLines();
    expect(JSON.parse(first)).toMatchObject({
      specversion: '1.0',
      type: expect.stringMatching(/^io\.ledgerlift\.\w+\.v1$/),
      source: '/ledgerlift/spec/vm-a:1',
      subject: 'vm-a:1',
      actor: expect.stringMatching(/^\w+:./),
      revision: 0,
    });
    expect(JSON.parse(rest.at(-1) ?? '')).toMatchObject({
      type: 'io.ledgerlift.LogExported.v1',
      data: { events: EVENTS },
    });
  });

  it('is checked without a log', async () => {
    expect(await verifyExport(given(await exportedLines()))).toMatchObject({ events: EVENTS });
  });

  it('of an empty log is complete, and changes nothing', async () => {
    const lines = await exportedLines(await empty());
    expect(lines).toHaveLength(1);
    expect(await importLog(await empty(), 'empty', given(lines))).toMatchObject({ events: 0 });
    await expect(importLog(from.log, 'the log', given(lines))).rejects.toMatchObject({ code: 'LL-LOG-022' });
  });

  it('leaves out what is appended meanwhile', async () => {
    const lines = exportLog(from.log, 'the log', 'spec');
    const first = await lines.next();
    await from.log.append('later', newEvents(2), 'no-stream');
    const rest = await Array.fromAsync(lines);
    expect(await verifyExport(given([String(first.value), ...rest]))).toMatchObject({ events: EVENTS });
  });

  it('is refused if the log is not intact', async () => {
    const edit = { column: 'hash' as const, value: Buffer.from('0'.repeat(64)) };
    const refused = await from.edited?.({ stream: 'vm-0', revision: 1 }, [edit], () =>
      exportedLines().catch((error: unknown) => error),
    );
    expect(refused).toMatchObject({ code: 'LL-LOG-020', message: expect.stringContaining('vm-0') });
  });
});

describe('an import', () => {
  it('that was interrupted goes on when it is repeated, and is nothing when it was complete', async () => {
    const lines = await exportedLines();
    const into = await empty();
    async function* broken(): AsyncIterable<string> {
      yield* lines.slice(0, 777);
      throw new Error('the pipe broke');
    }
    await expect(importLog(into, 'into', broken())).rejects.toThrow('the pipe broke');
    const there = await all(into.readAll());
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(778);
    const whole = await importLog(into, 'into', given(lines));
    expect(await importLog(into, 'into', given(lines))).toEqual(whole);
    expect(await withoutPositions(into)).toEqual(await withoutPositions(from.log));
  });

  it('into a log with other events is refused, and writes nothing', async () => {
    const into = await empty();
    await into.append('mine', newEvents(1), 'no-stream');
    await expect(importLog(into, 'into', given(await exportedLines()))).rejects.toMatchObject({
      code: 'LL-LOG-022',
    });
    expect(await all(into.readAll())).toHaveLength(1);
    await from.log.append('later', newEvents(1), 'no-stream');
    const longer = await exportedLines();
    await from.log.append('later', newEvents(1), 0);
    await expect(importLog(from.log, 'the log', given(longer))).rejects.toMatchObject({ code: 'LL-LOG-022' });
  });

  const edits: readonly (readonly [string, (lines: string[]) => readonly string[], string])[] = [
    ['without its end', (lines) => lines.slice(0, -1), 'the end is missing'],
    ['with a line missing', (lines) => lines.toSpliced(7, 1), 'follows'],
    ['with the last event missing', (lines) => lines.toSpliced(-2, 1), 'there are'],
    ['with a line twice', (lines) => lines.toSpliced(7, 0, lines[7] ?? ''), 'follows'],
    [
      'with streams in another order',
      (lines) => lines.toSpliced(3, 2, ...[lines[4], lines[3]].map(String)),
      'order',
    ],
    [
      'with something changed',
      (lines) => lines.with(6, String(lines[6]).replace('"correlationid":"', '"correlationid":"x')),
      'hash differs',
    ],
    ['with a member more', (lines) => lines.with(6, String(lines[6]).replace('{', '{"more":1,')), 'more'],
    ['with half a line', (lines) => lines.with(6, String(lines[6]).slice(0, 40)), 'not JSON'],
    ['that is something else', () => ['{"hello":"world"}'], 'specversion'],
    ['that is empty', () => [], 'the end is missing'],
    ['that goes on after its end', (lines) => [...lines, lines[0] ?? ''], 'comes after the end'],
    [
      'with another actor',
      (lines) => lines.with(6, String(lines[6]).replace(/"actor":"[a-z]+:/, '"actor":"bot:')),
      'actor',
    ],
    [
      'with a type of others',
      (lines) => lines.with(6, String(lines[6]).replace('io.ledgerlift', 'com.example')),
      'type',
    ],
  ];
  it.each(edits)('of an export %s is refused', async (_, edit, reason) => {
    const lines = edit([...(await exportedLines())]);
    await expect(importLog(await empty(), 'into', given(lines))).rejects.toMatchObject({
      code: 'LL-LOG-021',
      message: expect.stringContaining(reason),
    });
  });
});
