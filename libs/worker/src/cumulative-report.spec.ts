import { describe, expect, it } from '@jest/globals';
import type { AttemptRef, Resource } from '@ledgerlift/contracts';
import { CumulativeReport } from './cumulative-report.js';

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

describe('the report of an attempt', () => {
  it('repeats the facts of all earlier reports', () => {
    const report = new CumulativeReport(ref, 0, []);
    report.claim([resource('a')]);
    report.checkpoint([checkpoint('1', 10), checkpoint('2', 20)]);
    report.checkpoint([checkpoint('1', 30)]);
    expect(report.current).toEqual({
      ref,
      number: 3,
      claimed: [resource('a')],
      released: [],
      conditions: [],
      checkpoints: [checkpoint('1', 30), checkpoint('2', 20)],
    });
  });

  it('continues after the last number in the log', () => {
    const report = new CumulativeReport(ref, 7, []);
    expect(report.isConfirmed).toBe(true);
    report.checkpoint([checkpoint('1', 10)]);
    expect(report.current.number).toBe(8);
    expect(report.isConfirmed).toBe(false);
    report.confirm(8);
    expect(report.isConfirmed).toBe(true);
  });

  it('does not repeat a standing claim', () => {
    const report = new CumulativeReport(ref, 3, [resource('a')]);
    expect(report.claim([resource('a')])).toBe(0);
    expect(report.claim([resource('a'), resource('b')])).toBe(4);
    expect(report.current.claimed).toEqual([resource('b')]);
  });

  it('makes a second claimant wait for the same report as the first', () => {
    const report = new CumulativeReport(ref, 0, []);
    const needed = report.claim([resource('a')]);
    report.checkpoint([checkpoint('1', 10)]);
    expect(report.claim([resource('a')])).toBe(needed);
    expect(report.hasConfirmed(needed)).toBe(false);
  });

  it('lists a resource as released only, and as claimed only if it is made anew', () => {
    const report = new CumulativeReport(ref, 0, []);
    report.claim([resource('a')]);
    report.release([{ resource: resource('a'), how: 'removed' }]);
    expect(report.current).toMatchObject({ claimed: [], released: [{ resource: resource('a') }] });
    expect(report.claim([resource('a')])).toBe(3);
    expect(report.current).toMatchObject({ claimed: [resource('a')], released: [] });
  });

  it('does not repeat logged facts, so it does not grow with time', () => {
    const report = new CumulativeReport(ref, 0, []);
    for (let round = 1; round <= 1000; round += 1) {
      report.claim([resource(`made-${round}`)]);
      report.release([{ resource: resource(`made-${round - 1}`), how: 'removed' }]);
      report.checkpoint([checkpoint('1', round)]);
      if (round < 1000) report.confirm(report.current.number);
    }
    expect(report.current).toEqual({
      ref,
      number: 3000,
      claimed: [resource('made-1000')],
      released: [{ resource: resource('made-999'), how: 'removed' }],
      conditions: [],
      checkpoints: [checkpoint('1', 1000)],
    });
  });

  it('repeats facts reported after the last logged report', () => {
    const report = new CumulativeReport(ref, 0, []);
    report.checkpoint([checkpoint('1', 10)]);
    report.checkpoint([checkpoint('2', 20)]);
    report.confirm(1);
    expect(report.current.checkpoints).toEqual([checkpoint('2', 20)]);
  });

  it('ends with only its outcome if the whole is too large', () => {
    const report = new CumulativeReport(ref, 0, []);
    report.checkpoint([checkpoint('1', 10)]);
    report.endOnly({ kind: 'stopped', reason: 'r' });
    expect(report.current).toMatchObject({ number: 2, checkpoints: [], outcome: { kind: 'stopped' } });
  });
});
