import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { storedEvent } from '@ledgerlift/testing';
import fc from 'fast-check';
import { newEvent } from './contract/new-events.js';
import {
  canonicalContent,
  type ChainedEvent,
  chainHash,
  domainEvent,
  GENESIS_HASH,
  UnknownEvent,
} from './stored-content.js';

const stored = (type: string, version = 1) =>
  storedEvent(type, { migrationId: 'm', vm: 3 }, { stream: 'schedule', version });

describe('a stored event', () => {
  it('is read under the name that its type has now', () => {
    const data = { migrationId: 'm', vm: 3 };
    expect(domainEvent(stored('RemovalTurnGiven'))).toEqual({ type: 'RemovalSlotGiven', data });
    expect(domainEvent(stored('RemovalSlotGiven'))).toEqual({ type: 'RemovalSlotGiven', data });
  });

  it('is refused if its type or version is newer than this planner', () => {
    expect(() => domainEvent(stored('VmTeleported'))).toThrow(UnknownEvent);
    expect(() => domainEvent(stored('RemovalSlotGiven', 9))).toThrow(UnknownEvent);
  });
});

const event: ChainedEvent = {
  stream: 'vm-m1-0',
  revision: 0,
  id: '0192f0c1-2b3c-7d4e-8f50-112233445566',
  type: 'StepCompleted',
  version: 1,
  time: '2026-11-23T12:00:00.000Z',
  data: { step: 'DiskTransfer', bytes: 1e21, ratio: 0.5, ö: '\u20ac', nothing: null },
  correlationId: 'c',
  causationId: 'b',
  actor: { kind: 'service', name: 'transfer', authenticatedBy: 'nats' },
};

describe('the hash of an event', () => {
  // Fixed values, because a log from years ago must verify: if this fails, every existing log is broken.
  it('is computed from these very bytes', () => {
    const content =
      '{"actor":{"authenticatedBy":"nats","kind":"service","name":"transfer"},"causationId":"b","correlationId":"c",' +
      '"data":{"bytes":1e+21,"nothing":null,"ratio":0.5,"step":"DiskTransfer","ö":"€"},' +
      '"id":"0192f0c1-2b3c-7d4e-8f50-112233445566","revision":0,"stream":"vm-m1-0",' +
      '"time":"2026-11-23T12:00:00.000Z","type":"StepCompleted","version":1}';
    expect(canonicalContent(event)).toBe(content);
    const hash = createHash('sha256')
      .update(`${'0'.repeat(64)}${content}`)
      .digest('hex');
    expect(chainHash(GENESIS_HASH, event)).toBe(hash);
    expect(hash).toBe('1b94323229814b7fefdaa859b9c35755b4228f7475b00e6c6e0984637c06b7f4');
  });

  it('does not depend on the position, nor on the order of the fields', () => {
    const hash = chainHash(GENESIS_HASH, event);
    const turned = Object.fromEntries(Object.entries(event).toReversed()) as unknown as ChainedEvent;
    expect(chainHash(GENESIS_HASH, { ...turned, position: '17', hash: 'x' })).toBe(hash);
  });

  it.each([
    ...Object.entries({
      stream: 'vm-m1-1',
      revision: 1,
      type: 'X',
      version: 2,
      correlationId: 'd',
      data: {},
    }),
    ...Object.entries({
      traceparent: '00-a-b-01',
      idempotencyKey: 'k',
      actor: { ...event.actor, name: 'x' },
    }),
  ])('depends on %s', (field, value) => {
    expect(chainHash(GENESIS_HASH, { ...event, [field]: value })).not.toBe(chainHash(GENESIS_HASH, event));
  });

  it('depends on the hash before it', () => {
    expect(chainHash('1'.repeat(64), event)).not.toBe(chainHash(GENESIS_HASH, event));
  });

  it('survives a JSON round trip, whatever the data', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const given = { ...newEvent({ data: JSON.parse(json) }), stream: 'a', revision: 0 };
        const read = JSON.parse(canonicalContent(given)) as ChainedEvent;
        expect(chainHash(GENESIS_HASH, read)).toBe(chainHash(GENESIS_HASH, given));
      }),
    );
  });
});
