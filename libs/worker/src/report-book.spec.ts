import { describe, expect, it } from '@jest/globals';
import type { AttemptRef, Resource } from '@ledgerlift/contracts';
import { ReportBook } from './report-book.js';

const ref: AttemptRef = { stream: 'vm-m1-0', step: 'DiskTransfer', attempt: 2, worker: 'transfer/a/1' };
const resource = (name: string): Resource => ({
  kind: 'disk',
  name,
  service: 'transfer',
  lifetime: 'result',
});
const checkpoint = (diskId: string, bytesDone: number) => ({
  diskId,
  momentId: 'm',
  bytesDone,
  bytesTotal: 100,
  manifestDigest: 'd',
});

describe('what an attempt reports', () => {
  it('grows: the newest report says all that those before it said', () => {
    const book = new ReportBook(ref, 0, []);
    book.claim([resource('a')]);
    book.checkpoint([checkpoint('1', 10), checkpoint('2', 20)]);
    book.checkpoint([checkpoint('1', 30)]);
    expect(book.current).toEqual({
      ref,
      number: 3,
      claimed: [resource('a')],
      released: [],
      conditions: [],
      checkpoints: [checkpoint('1', 30), checkpoint('2', 20)],
    });
  });

  it('goes on after the last number that is in the log', () => {
    const book = new ReportBook(ref, 7, []);
    expect(book.isConfirmed).toBe(true);
    book.checkpoint([checkpoint('1', 10)]);
    expect(book.current.number).toBe(8);
    expect(book.isConfirmed).toBe(false);
    book.confirm(8);
    expect(book.isConfirmed).toBe(true);
  });

  it('does not claim again what stands claimed', () => {
    const book = new ReportBook(ref, 3, [resource('a')]);
    expect(book.claim([resource('a')])).toBe(0);
    expect(book.claim([resource('a'), resource('b')])).toBe(4);
    expect(book.current.claimed).toEqual([resource('b')]);
  });

  it('has a second claimant wait for the report that the first one waits for', () => {
    const book = new ReportBook(ref, 0, []);
    const needed = book.claim([resource('a')]);
    book.checkpoint([checkpoint('1', 10)]);
    expect(book.claim([resource('a')])).toBe(needed);
    expect(book.hasConfirmed(needed)).toBe(false);
  });

  it('says a resource as released only, and as claimed only when it is made anew', () => {
    const book = new ReportBook(ref, 0, []);
    book.claim([resource('a')]);
    book.release([{ resource: resource('a'), how: 'removed' }]);
    expect(book.current).toMatchObject({ claimed: [], released: [{ resource: resource('a') }] });
    expect(book.claim([resource('a')])).toBe(3);
    expect(book.current).toMatchObject({ claimed: [resource('a')], released: [] });
  });

  it('says nothing twice that is in the log, so it does not grow with time', () => {
    const book = new ReportBook(ref, 0, []);
    for (let round = 1; round <= 1000; round += 1) {
      book.claim([resource(`made-${round}`)]);
      book.release([{ resource: resource(`made-${round - 1}`), how: 'removed' }]);
      book.checkpoint([checkpoint('1', round)]);
      if (round < 1000) book.confirm(book.current.number);
    }
    expect(book.current).toEqual({
      ref,
      number: 3000,
      claimed: [resource('made-1000')],
      released: [{ resource: resource('made-999'), how: 'removed' }],
      conditions: [],
      checkpoints: [checkpoint('1', 1000)],
    });
  });

  it('says again what was said after the last report that is in the log', () => {
    const book = new ReportBook(ref, 0, []);
    book.checkpoint([checkpoint('1', 10)]);
    book.checkpoint([checkpoint('2', 20)]);
    book.confirm(1);
    expect(book.current.checkpoints).toEqual([checkpoint('2', 20)]);
  });

  it('ends with nothing but its outcome where all of it is too large', () => {
    const book = new ReportBook(ref, 0, []);
    book.checkpoint([checkpoint('1', 10)]);
    book.endOnly({ kind: 'stopped', reason: 'r' });
    expect(book.current).toMatchObject({ number: 2, checkpoints: [], outcome: { kind: 'stopped' } });
  });
});
