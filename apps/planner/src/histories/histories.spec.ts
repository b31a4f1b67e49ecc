import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventSchemas } from '@ledgerlift/contracts';
import { type StoredEvent, UnknownEvent, domainEvent, verifyStream } from '@ledgerlift/event-log';
import { summaryOf } from './summary.js';

const folder = join(import.meta.dirname, 'recorded');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, unknown>;

const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
const read = (name: string): StoredEvent[] =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StoredEvent);
const withData = (event: StoredEvent, change: object): StoredEvent =>
  ({ ...event, data: { ...(event.data as object), ...change } }) as StoredEvent;

describe.each(files)('the history %s', (name) => {
  const events = read(name);

  it('is what was recorded', () => expect(verifyStream(events)).toEqual([]));

  it('is read in the shapes that this version knows', () => {
    for (const event of events) {
      const { type, data } = domainEvent(event);
      expect(eventSchemas[type].data.safeParse(data).error?.issues).toBeUndefined();
    }
  });

  it('leads to where it led', () =>
    expect(JSON.parse(JSON.stringify(summaryOf(events)))).toEqual(expected[name]));

  it('is found out when an event of it is changed', () => {
    const middle = Math.floor(events.length / 2);
    const changed = events.map((event, index) =>
      index === middle ? withData(event, { changed: 1 }) : event,
    );
    expect(verifyStream(changed)).toMatchObject([{ kind: 'changed', revision: middle }]);
  });

  it('is found out when two events of it change places', () => {
    const [first, second, ...rest] = events;
    if (first === undefined || second === undefined) return;
    expect(verifyStream([second, first, ...rest])).not.toEqual([]);
  });

  it('is found out when an event of it is left out', () => {
    if (events.length > 2) expect(verifyStream(events.toSpliced(1, 1))).not.toEqual([]);
  });
});

describe('a history', () => {
  it('of each kind is kept, and one of the first version', () => {
    expect(Object.keys(expected).sort()).toEqual([...files].sort());
    const versions = files.flatMap((name) => read(name)).filter(({ type }) => type === 'VmMigrationPlanned');
    expect(new Set(versions.map(({ version }) => version))).toEqual(new Set([1, 2, 3]));
  });

  it('of a newer version is not guessed at', () => {
    const [first, ...rest] = read('warm-vm-1.jsonl');
    if (first === undefined) throw new Error('the history is empty');
    expect(() => summaryOf([{ ...first, version: 99 }, ...rest])).toThrow(UnknownEvent);
  });
});
