import { describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '@ledgerlift/event-log';
import { IdempotencyIndex, eventKey, parseKey, requestDigest } from './idempotency.js';

const event = (type: string, stream: string, idempotencyKey?: string): StoredEvent => ({
  id: 'e',
  type,
  version: 1,
  time: '2026-11-23T12:00:00.000Z',
  data: {},
  correlationId: 'c',
  causationId: 'c',
  actor: { kind: 'user', name: 'local', authenticatedBy: 'loopback' },
  stream,
  revision: 0,
  position: '1',
  hash: 'h',
  ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
});

describe('what the log remembers of requests', () => {
  it('is by key: digest, and the streams that the request changed', () => {
    const index = new IdempotencyIndex();
    index.apply(event('RetryRequested', 'vm-m-0', eventKey('a#b', 'digest')));
    index.apply(event('RetryRequested', 'vm-m-1', eventKey('a#b', 'digest')));
    expect(index.of('a#b')).toEqual({ digest: 'digest', streams: new Set(['vm-m-0', 'vm-m-1']) });
    expect(index.of('a')).toBeUndefined();
  });

  it('leaves out a start that was broken off before it counted', () => {
    const index = new IdempotencyIndex();
    index.apply(event('VmMigrationPlanned', 'vm-m-0', eventKey('k', 'd')));
    expect(index.of('k')).toBeUndefined();
    index.apply(event('MigrationStarted', 'migration-m', eventKey('k', 'd')));
    expect(index.of('k')?.streams).toEqual(new Set(['migration-m']));
  });

  it('passes over events that no request led to', () => {
    const index = new IdempotencyIndex();
    index.apply(event('VmAdmitted', 'schedule'));
    index.apply(event('VmAdmitted', 'schedule', 'of another scheme'));
    expect(index.of('of another scheme')).toBeUndefined();
  });

  it('holds requests that changed nothing, so many at a time', () => {
    const index = new IdempotencyIndex();
    for (let number = 0; number <= 10_000; number += 1) index.remember(`k${number}`, 'd');
    expect(index.of('k0')).toBeUndefined();
    expect(index.of('k10000')).toEqual({ digest: 'd', streams: new Set() });
  });
});

describe('the digest of a request', () => {
  it('is the same whatever the order of the fields, and another for another request', () => {
    const digest = requestDigest('plans.create', {}, {}, { a: 1, b: { c: 2, d: 3 } });
    expect(requestDigest('plans.create', {}, {}, { b: { d: 3, c: 2 }, a: 1 })).toBe(digest);
    expect(requestDigest('plans.create', {}, {}, { a: 1, b: { c: 2, d: 4 } })).not.toBe(digest);
    expect(requestDigest('plans.start', {}, {}, { a: 1, b: { c: 2, d: 3 } })).not.toBe(digest);
    expect(requestDigest('plans.create', { plan: 'x' }, {}, { a: 1, b: { c: 2, d: 3 } })).not.toBe(digest);
  });
});

describe('an Idempotency-Key', () => {
  it('is any printable text without spaces', () => {
    expect(parseKey('a#b/c-1')).toBe('a#b/c-1');
    for (const bad of [undefined, '', 'a b', 'ä', 'x'.repeat(256)])
      expect(() => parseKey(bad)).toThrow(/Idempotency-Key/);
  });
});
