import { describe, expect, it } from '@jest/globals';
import { type FaultScript, type RunScript, drawRun } from './script.js';

const many: readonly RunScript[] = Array.from({ length: 200 }, (_, run) => drawRun(7, run));
const faults: readonly FaultScript[] = many.flatMap((run) => run.faults);
const countOf = <T>(all: readonly T[]): number => new Set(all.map((each) => JSON.stringify(each))).size;

describe('what is drawn for runs into a cluster', () => {
  it('is the same for the same seed and number, and another for others', () => {
    expect(drawRun(7, 42)).toEqual(many[42]);
    const { seed: _, ...other } = drawRun(8, 42);
    expect(many[42]).not.toMatchObject(other);
    expect(countOf(many.map(({ disks }) => disks))).toBeGreaterThan(150);
  });

  it('meets every kind of fault within 200 runs, in each of its forms', () => {
    const forms = faults.map((fault) => {
      switch (fault.kind) {
        case 'watch-is-gone':
        case 'answers-are-lost':
          return `${fault.kind} ${fault.as}`;
        case 'requests-are-refused':
          return `${fault.kind} ${fault.status}`;
        case 'quota-is-used-up':
        case 'volume-is-late':
          return `${fault.kind} ${fault.of}`;
        case 'service-is-killed':
          return `${fault.kind} ${fault.service}`;
        default:
          return fault.kind;
      }
    });
    expect([...new Set(forms)].toSorted()).toEqual([
      'answers-are-lost reset',
      'answers-are-lost status',
      'api-server-is-killed',
      'connections-are-reset',
      'node-is-lost',
      'pod-is-deleted',
      'pod-is-evicted',
      'process-is-killed',
      'quota-is-used-up persistentvolumeclaims',
      'quota-is-used-up pods',
      'quota-is-used-up secrets',
      'requests-are-refused 409',
      'requests-are-refused 429',
      'requests-are-refused 500',
      'requests-are-refused 503',
      'requests-stall',
      'service-is-killed planner',
      'service-is-killed transfer',
      'service-is-killed vm-creator',
      'volume-is-late disk',
      'volume-is-late scratch',
      'watch-is-gone event',
      'watch-is-gone status',
      'watches-are-cut',
    ]);
  });

  it('has every step struck, every kind of volume, and ends of both kinds', () => {
    expect(countOf(faults.map(({ at }) => at.step))).toBe(4);
    expect(countOf(many.map(({ volumeMode, binding }) => [volumeMode, binding]))).toBe(4);
    const canceled = many.filter(({ cancelAt }) => cancelAt !== undefined).length;
    expect(canceled).toBeGreaterThan(20);
    expect(canceled).toBeLessThan(100);
    expect(countOf(many.flatMap(({ cancelAt }) => cancelAt?.step ?? []))).toBe(4);
  });

  it('refuses with a conflict only what is written', () => {
    const conflicts = faults.filter(
      (fault) =>
        fault.kind === 'requests-are-refused' && fault.status === 409 && fault.verbs.includes('read'),
    );
    expect(conflicts).toEqual([]);
  });
});
