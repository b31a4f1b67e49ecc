import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { verifyStream } from './audit.js';
import { newEvent } from './contract/new-events.js';
import { GENESIS_HASH, chainHash } from './stored-content.js';
import type { StoredEvent } from './port.js';

function chained(length: number): readonly StoredEvent[] {
  let previous = GENESIS_HASH;
  return Array.from({ length }, (_, revision) => {
    const event = { ...newEvent({ data: { revision } }), stream: 'a', revision };
    previous = chainHash(previous, event);
    return { ...event, hash: previous, position: String(revision + 1) };
  });
}

const kinds = (events: readonly StoredEvent[]): readonly string[] =>
  verifyStream(events).map(({ kind }) => kind);

describe('the audit of a stream', () => {
  it('finds nothing wrong with appended events', () => expect(verifyStream(chained(5))).toEqual([]));

  it('finds a changed event', () =>
    expect(kinds(chained(3).with(1, { ...chained(3)[1], data: 'x' } as StoredEvent))).toContain('changed'));

  it('finds a dropped event', () =>
    expect(verifyStream(chained(5).toSpliced(1, 2))).toEqual([
      { kind: 'dropped', stream: 'a', from: 1, to: 2 },
    ]));

  it('finds a missing first event', () =>
    expect(verifyStream(chained(2).slice(1))).toEqual([{ kind: 'dropped', stream: 'a', from: 0, to: 0 }]));

  it('finds a duplicate event', () => {
    const events = chained(3);
    expect(kinds([...events, ...events.slice(1, 2)])).toEqual(['out-of-order']);
  });

  it('finds any change of order', () => {
    const events = chained(5);
    const orders = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
    fc.assert(
      fc.property(orders, (order) => {
        const isInOrder = order.every((at, index) => at === index);
        const shuffled = order.flatMap((at) => events.slice(at, at + 1));
        expect(verifyStream(shuffled).length === 0).toBe(isInOrder);
      }),
    );
  });
});
