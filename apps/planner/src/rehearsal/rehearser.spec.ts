import { describe, expect, it } from '@jest/globals';
import { Rehearsal, ScheduleLimits, type SourceVm } from '@ledgerlift/contracts';
import { resolvePlan } from '../validation/resolve-plan.js';
import { factsWith, vmNamed } from '../validation/spec/facts.js';
import { BytesToRead } from './bytes.js';
import { Measurements } from './measurements.js';
import { Rehearser } from './rehearser.js';

// A Monday.
const now = new Date('2026-11-23T12:00:00.000Z');
const running = (name: string, change: Partial<SourceVm> = {}) =>
  vmNamed(name, { powerState: 'on', ...change });

/** Of 100 MB each, which is a second of copying. */
async function rehearsed(vms: readonly SourceVm[], spec: object, limits: object = {}): Promise<Rehearsal> {
  const facts = factsWith(vms, { spec: { skipGuestConversion: true, ...spec } });
  const resolved = resolvePlan(facts, 'lab', []);
  const entry = {
    id: 'p1',
    revision: 1,
    spec: facts.spec,
    archived: false,
    deleted: false,
    createdAt: '',
    updatedAt: '',
  };
  const rehearser = new Rehearser({
    examiner: { examine: async () => ({ at: now.toISOString(), conditions: [], resolved }) },
    measurements: new Measurements(),
    bytes: new BytesToRead({ bytesOf: async () => ({ bytes: 100_000_000 }) }),
    limits: () => ScheduleLimits.parse(limits),
    underWay: () => 0,
    now: () => now,
  });
  return Rehearsal.parse(await rehearser.rehearse(entry));
}
const warm = (cutover: object): object => ({ type: 'warm', warm: { cutover } });
const seconds = (time: string | undefined): number => (Date.parse(time ?? '') - now.getTime()) / 1000;

describe('a rehearsal', () => {
  it('tells order, times and waits of each VM, and of the whole', async () => {
    const { vms, waves, total } = await rehearsed(
      [running('a'), running('b'), running('c', { powerState: 'off' })],
      { vms: [{ ref: 'a' }, { ref: 'b', priority: 90 }, { ref: 'c', wave: 2 }], maxConcurrentMigrations: 1 },
    );
    expect(
      vms.map(({ order, waitsFor, forecast }) => ({ order, waitsFor, ends: seconds(forecast.endsAt) })),
    ).toEqual([
      { order: 2, waitsFor: ['a free place: 1 VMs run, the limit of the plan'], ends: 122 },
      { order: 1, waitsFor: [], ends: 61 },
      { order: 3, waitsFor: ['100 % of wave 1 to succeed'], ends: 123 },
    ]);
    // Off already: nothing goes down.
    expect(vms.map(({ forecast }) => forecast.downtimeMs)).toEqual([61_000, 61_000, 0]);
    expect(waves).toMatchObject([
      { wave: 1, vms: 2, startsBy: 'the start of the migration' },
      { wave: 2, vms: 1, startsBy: '100 % of wave 1 to succeed' },
    ]);
    expect(total).toMatchObject({
      vms: 3,
      bytesToRead: 300_000_000,
      durationMs: 123_000,
      longestDowntimeMs: 61_000,
    });
  });

  it('tells of windows, second words, hooks and waves that wait for somebody', async () => {
    const { vms, assumptions } = await rehearsed([running('a'), running('b')], {
      vms: [{ ref: 'a' }, { ref: 'b', wave: 2 }],
      windows: [{ from: '22:00', to: '23:00' }],
      approve: { start: true },
      waves: { startNext: 'command' },
      hooks: [{ name: 'dns', at: 'after', run: { kind: 'event' } }],
    });
    expect(vms[0]?.waitsFor).toEqual([
      "a second person's word for the start",
      'the maintenance window that opens at 2026-11-23T22:00:00.000Z',
      'the answer of another system to the hook dns (after)',
    ]);
    expect(vms[0]?.forecast.beginsAt).toBe('2026-11-23T22:00:00.000Z');
    expect(vms[0]?.steps.at(-1)).toEqual({ step: 'PostHook', part: 'main', hook: 'dns' });
    expect(vms[1]?.waitsFor).toContain('an operator who starts wave 2');
    expect(assumptions).toEqual(
      expect.arrayContaining(['each second word is given at once', 'hooks take no time']),
    );
  });

  // The first copy is there after 6 s; the cutover takes 65 s: 30 s shutdown, 5 s snapshot, 0.01 s delta, 30 s boot.
  it.each([
    ['by command', warm({ by: 'command' }), 71.01, "an operator's cutover"],
    [
      'at a time',
      warm({ by: 'time', at: '2026-11-23T13:00:00Z' }),
      3665.01,
      'the time of its cutover, 2026-11-23T13:00:00Z',
    ],
    [
      'in a window',
      warm({ by: 'window', windows: [{ from: '12:30', to: '12:40' }] }),
      1865.01,
      'the window of its cutover',
    ],
    [
      'once the downtime is short enough, which it is',
      warm({ by: 'downtime', maxDowntimeMs: 70_000 }),
      71.01,
      'an expected downtime of at most 70000 ms',
    ],
    [
      'once the downtime is short enough, which needs a pass',
      warm({ by: 'downtime', maxDowntimeMs: 1000 }),
      3671.01,
      'an expected downtime of at most 1000 ms',
    ],
  ])('of a warm VM that is cut over %s', async (_, spec, end, wait) => {
    const { vms } = await rehearsed([running('a', { changeTracking: 'on' })], spec);
    expect(vms[0]?.forecast.downtimeMs).toBe(65_010);
    expect(seconds(vms[0]?.forecast.endsAt)).toBe(end);
    expect(vms[0]?.waitsFor).toEqual([wait]);
  });

  it('shares a budget of bandwidth among as many as copy at once', async () => {
    const two = await rehearsed([running('a'), running('b')], {}, { bytesPerSecond: 100_000_000 });
    expect(two.vms.map(({ forecast }) => forecast.parts.copyMs)).toEqual([2000, 2000]);
  });

  it('says so where nothing may run', async () => {
    const { vms, total } = await rehearsed([running('a')], {}, { vms: 0 });
    expect(vms[0]?.order).toBeUndefined();
    expect(vms[0]?.waitsFor).toEqual(['a free place: 0 VMs run, the limit of the installation']);
    expect(total?.endsAt).toBeUndefined();
  });

  it('of ten thousand VMs takes some seconds', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      running(`vm-${index}`, { host: `esx${index % 20}` }),
    );
    const begin = performance.now();
    const { total } = await rehearsed(many, { maxConcurrentMigrations: 100 }, { vms: 100, vmsPerHost: 8 });
    expect(total?.vms).toBe(10_000);
    expect(performance.now() - begin).toBeLessThan(20_000);
  });
});
