import { describe, expect, it } from '@jest/globals';
import { ScheduleLimits, WaveSettings } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { Agenda, type Job, simulate } from './simulate.js';

const start = new Date('2026-11-23T12:00:00Z');
const minutes = (count: number): number => count * 60_000;
type JobChange = Partial<Omit<Job, 'entry'>> & { readonly entry?: Partial<Job['entry']> };
const job = (vm: number, change: JobChange = {}): Job => ({
  wave: 1,
  firstMs: minutes(10),
  cutover: undefined,
  ...change,
  entry: {
    migrationId: 'rehearsal',
    vm,
    planId: 'p1',
    priority: 50,
    maxConcurrent: 2,
    purpose: 'begin',
    provider: 'src',
    target: 'dst',
    demand: { cpus: 1, memoryBytes: 1, storageBytes: 1 },
    storages: {},
    windows: [],
    ...change.entry,
  },
});
const rehearsed = (jobs: readonly Job[], limits: object = {}, waves: object = {}) =>
  simulate(jobs, ScheduleLimits.parse(limits), WaveSettings.parse(waves), start);
/** `begin-end` in minutes from the start, for each VM. */
const times = (...of: Parameters<typeof rehearsed>) =>
  rehearsed(...of).map(({ beginsAt, endsAt }) => `${since(beginsAt)}-${since(endsAt)}`);
const since = (at: Date | undefined): string =>
  at === undefined ? 'never' : String((at.getTime() - start.getTime()) / 60_000);

describe('a simulated migration', () => {
  it('keeps to the limits of the plan', () =>
    expect(times([job(0), job(1), job(2), job(3)])).toEqual(['0-10', '0-10', '10-20', '10-20']));

  it('keeps to the limits of the installation', () => {
    const onHost = (vm: number) => job(vm, { entry: { host: 'esx1' } });
    expect(times([onHost(0), onHost(1), job(2)], { vmsPerHost: 1 })).toEqual(['0-10', '10-20', '0-10']);
  });

  it('starts the highest priority first', () => {
    const jobs = [job(0), job(1, { entry: { priority: 90 } }), job(2, { entry: { priority: 60 } })];
    expect(rehearsed(jobs, { vms: 1 }).map(({ order }) => order)).toEqual([3, 1, 2]);
  });

  it('begins a wave when enough VMs of the previous one have ended', () => {
    const jobs = [job(0), job(1, { firstMs: minutes(30) }), job(2, { wave: 2 })];
    expect(times(jobs)).toEqual(['0-10', '0-30', '30-40']);
    expect(times(jobs, {}, { minSucceededPercent: 50 })).toEqual(['0-10', '0-30', '10-20']);
  });

  it('waits for a window, and says so', () => {
    const windows = [{ days: ['monday' as const], from: '22:00', to: '23:00', timeZone: 'UTC' }];
    const [first] = rehearsed([job(0, { entry: { windows } })]);
    expect(first?.beginsAt).toEqual(new Date('2026-11-23T22:00:00Z'));
    expect(first?.waitedFor).toBe('the maintenance window that opens at 2026-11-23T22:00:00.000Z');
  });

  it('says what a VM waits for if it does not begin with its wave', () =>
    expect(rehearsed([job(0), job(1), job(2)]).map(({ waitedFor }) => waitedFor)).toEqual([
      undefined,
      undefined,
      'a free slot: 2 VMs run, the limit of the plan',
    ]));

  it('gives the slot of a warm VM to others until its cutover', () => {
    const warm = (vm: number, due: number) =>
      job(vm, {
        cutover: {
          ms: minutes(5),
          notBefore: (ready) => new Date(Math.max(ready.getTime(), start.getTime() + minutes(due))),
        },
      });
    expect(times([warm(0, 60), warm(1, 0)], { vms: 1 })).toEqual(['0-65', '10-25']);
  });

  it('never begins if nothing may run', () => expect(times([job(0)], { vms: 0 })).toEqual(['never-never']));

  it('gives each of ten thousand VMs a slot', () => {
    const jobs = Array.from({ length: 10_000 }, (_, vm) =>
      job(vm, { wave: 1 + (vm % 5), entry: { maxConcurrent: 50, host: `esx${vm % 20}` } }),
    );
    expect(rehearsed(jobs, { vms: 100, vmsPerHost: 8 }).every(({ endsAt }) => endsAt !== undefined)).toBe(
      true,
    );
  });
});

describe('an agenda', () => {
  it('returns events in order of time, then of insertion', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (given) => {
        const agenda = new Agenda<readonly [number, number]>();
        for (const [index, at] of given.entries()) agenda.add(at, [at, index]);
        const taken = [];
        for (let next = agenda.take(); next !== undefined; next = agenda.take()) taken.push(next);
        const sorted = given.map((at, index) => [at, index] as const).sort(([a], [b]) => a - b);
        expect(taken).toEqual(sorted);
        expect(agenda.nextAt).toBeUndefined();
      }),
    );
  });
});
