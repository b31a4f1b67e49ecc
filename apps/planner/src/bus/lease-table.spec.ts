import { describe, expect, it } from '@jest/globals';
import type { AttemptRef } from '@ledgerlift/contracts';
import { LeaseTable } from './lease-table.js';

const ref: AttemptRef = { stream: 'vm-m1-0', step: 'DiskTransfer', attempt: 1, worker: 'transfer/a/1' };
const other: AttemptRef = { ...ref, worker: 'transfer/b/1' };

describe('the lease table', () => {
  it('ends a lease that is not renewed, and not a moment earlier', () => {
    const table = new LeaseTable(100);
    table.open(ref, 0);
    expect(table.expired(99)).toEqual([]);
    expect(table.expired(100)).toEqual([ref]);
  });

  it('counts a renewed lease from its renewal', () => {
    const table = new LeaseTable(100);
    table.open(ref, 0);
    expect(table.renew(ref, 90)).toBe('renewed');
    expect(table.expired(189)).toEqual([]);
    expect(table.expired(190)).toEqual([ref]);
  });

  it('does not revive a lease that ended, even when nobody has looked yet', () => {
    const table = new LeaseTable(100);
    table.open(ref, 0);
    expect(table.renew(ref, 100)).toBe('unknown');
    expect(table.expired(100)).toEqual([ref]);
  });

  it('renews for the worker that holds the lease only', () => {
    const table = new LeaseTable(100);
    table.open(ref, 0);
    expect(table.renew(other, 50)).toBe('unknown');
    expect(table.expired(100)).toEqual([ref]);
  });

  it('gives every attempt one lease after a time in which nobody could renew', () => {
    const table = new LeaseTable(100);
    table.open(ref, 0);
    table.open({ ...other, step: 'ImageConversion' }, 0);
    table.grace(1000);
    expect(table.expired(1099)).toEqual([]);
    expect(table.renew(ref, 1099)).toBe('renewed');
    expect(table.expired(1100)).toEqual([{ ...other, step: 'ImageConversion' }]);
  });

  it('forgets an attempt that is over', () => {
    const table = new LeaseTable(100);
    table.open(ref, 0);
    table.close(ref);
    expect(table.expired(1000)).toEqual([]);
    expect(table.renew(ref, 50)).toBe('unknown');
  });
});
