import { describe, expect, it } from '@jest/globals';
import { Rehearsal, ScheduleLimits, type SourceVm, eventSchemas } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { decideVm, evolveVm, scheduleEntry, type VmState } from '@ledgerlift/migration';
import { targetOf } from '@ledgerlift/targets';
import { resolvePlan } from '../validation/resolve-plan.js';
import { factsWith, vmNamed } from '../validation/spec/facts.js';
import { BytesToRead } from './forecast.js';
import { Measurements } from './measurements.js';
import { Rehearser, type ScheduledVm } from './rehearser.js';

// A Monday.
const now = new Date('2026-11-23T12:00:00.000Z');
const running = (name: string, change: Partial<SourceVm> = {}) =>
  vmNamed(name, { powerState: 'on', ...change });

interface Beside {
  readonly scheduled?: readonly ScheduledVm[];
  readonly measurements?: Measurements;
}

/** Of 100 MB each, which is a second of copying. */
async function rehearsed(
  vms: readonly SourceVm[],
  spec: object,
  limits: object = {},
  { scheduled = [], measurements = new Measurements() }: Beside = {},
): Promise<Rehearsal> {
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
    measurements,
    bytes: new BytesToRead({ bytesOf: async () => ({ bytes: 100_000_000 }) }),
    limits: () => ScheduleLimits.parse(limits),
    scheduled: () => scheduled,
    now: () => now,
  });
  return Rehearsal.parse(await rehearser.rehearse(entry));
}
const warm = (cutover: object): object => ({ type: 'warm', warm: { cutover } });
const seconds = (time: string | undefined): number => (Date.parse(time ?? '') - now.getTime()) / 1000;

/** A VM of another migration, which got its place so many seconds ago. */
function scheduledVm(name: string, slot: ScheduledVm['slot'], sinceSeconds = 0): ScheduledVm {
  const facts = factsWith([running(name)], { spec: { name, skipGuestConversion: true } });
  const [vm] = resolvePlan(facts, 'lab', [])?.vms ?? [];
  if (vm === undefined) throw new Error('no VM was resolved');
  // Of 100 MB, whatever it has in other specs.
  const disks = vm.source.vm.disks.slice(0, 1).map((disk) => ({ ...disk, capacityBytes: 100_000_000 }));
  const source = { ...vm.source, vm: { ...vm.source.vm, disks } };
  const record = { ...vm, source, migrationId: name, index: 0 };
  const at = new Date(+now - sinceSeconds * 1000);
  const planned = decideVm(
    { kind: 'plan', record, itinerary: targetOf(record.target.type).itineraryFor(record) },
    undefined,
  );
  const fold = (state: VmState, events: typeof planned): VmState =>
    events.reduce((folded: VmState, event) => evolveVm(folded, event, at.toISOString()), state);
  let state = fold(undefined, planned);
  if (slot === 'held') state = fold(state, decideVm({ kind: 'admit', at }, state));
  const purpose = slot instanceof Date ? 'cutover' : 'begin';
  return { entry: scheduleEntry(record, facts.spec, purpose), state, slot };
}

let streams = 0;
/** A hook that another system answers after so many seconds. */
function hookEvents(hook: string, took: number): readonly StoredEvent[] {
  const stream = `vm-h-${(streams += 1)}`;
  const event = (type: keyof typeof eventSchemas, after: number, data: object): StoredEvent => {
    const time = new Date(+now + after * 1000).toISOString();
    return { stream, type, version: eventSchemas[type].version, time, data } as unknown as StoredEvent;
  };
  const at = { step: 'CutoverHook', attempt: 1 };
  return [
    event('VmMigrationPlanned', 0, { record: { source: { provider: { id: 'src' } } } }),
    event('StepRequested', 0, { ...at, service: 'external', site: 'local', hook }),
    event('StepStarted', took, { ...at, worker: 'external/cmdb' }),
    event('StepCompleted', took, { ...at, report: 1, result: { step: 'CutoverHook', hook, said: '' } }),
  ];
}

describe('a rehearsal', () => {
  it('predicts order, times and waits of each VM and of the whole', async () => {
    const { vms, waves, total } = await rehearsed(
      [running('a'), running('b'), running('c', { powerState: 'off' })],
      { vms: [{ ref: 'a' }, { ref: 'b', priority: 90 }, { ref: 'c', wave: 2 }], maxConcurrentMigrations: 1 },
    );
    expect(
      vms.map(({ order, waitsFor, forecast }) => ({ order, waitsFor, ends: seconds(forecast.endsAt) })),
    ).toEqual([
      { order: 2, waitsFor: ['a free slot: 1 VMs run, the limit of the plan'], ends: 122 },
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

  it('lists windows, approvals, hooks and waves that VMs wait for', async () => {
    const { vms, assumptions } = await rehearsed([running('a'), running('b')], {
      vms: [{ ref: 'a' }, { ref: 'b', wave: 2 }],
      windows: [{ from: '22:00', to: '23:00' }],
      approve: { start: true },
      waves: { startNext: 'command' },
      hooks: [{ name: 'dns', at: 'after', run: { kind: 'event' } }],
    });
    expect(vms[0]?.waitsFor).toEqual([
      "a second person's approval of the start",
      'the maintenance window that opens at 2026-11-23T22:00:00.000Z',
      'the answer of another system to the hook dns (after)',
    ]);
    expect(vms[0]?.forecast.beginsAt).toBe('2026-11-23T22:00:00.000Z');
    expect(vms[0]?.steps.at(-1)).toEqual({ step: 'PostHook', part: 'main', hook: 'dns' });
    expect(vms[1]?.waitsFor).toContain('an operator who starts wave 2');
    expect(assumptions).toEqual(
      expect.arrayContaining([
        'every approval is given at once',
        'hooks that were never measured take no time: dns',
      ]),
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

  it('gives slots only when VMs of other migrations release theirs', async () => {
    // A cold one takes 61 s: 30 s shutdown, 1 s copy, 30 s boot.
    const beside = {
      scheduled: [
        scheduledVm('runs', 'held', 41),
        scheduledVm('first', 'wanted'),
        scheduledVm('late', new Date(+now + 60_000)),
      ],
    };
    const { vms, assumptions } = await rehearsed([running('a')], {}, { vms: 1 }, beside);
    expect(vms[0]?.order).toBe(1);
    expect(vms[0]?.waitsFor).toEqual(['a free slot: 1 VMs run, the limit of the installation']);
    // 20 s of the one that runs, 61 s of the one before; the cutover that is due meanwhile goes first.
    expect(seconds(vms[0]?.forecast.beginsAt)).toBe(20 + 61 + 61);
    expect(assumptions[1]).toBe(
      'of other migrations, only the 1 running VMs and the 2 that wait for a slot count',
    );
  });

  it('shares the bandwidth with running copies of other migrations', async () => {
    const beside = { scheduled: [scheduledVm('runs', 'held', 1)] };
    const { vms } = await rehearsed([running('a')], {}, { bytesPerSecond: 100_000_000 }, beside);
    expect(vms[0]?.forecast.parts.copyMs).toBe(2000);
  });

  it('counts the measured time of hooks, but not as downtime', async () => {
    const measurements = new Measurements();
    for (const [name, took] of [
      ['drain', 20],
      ['drain', 10],
      ['drain', 30],
      ['ticket', 100],
    ] as const)
      for (const event of hookEvents(name, took)) measurements.apply(event);
    const hook = (name: string, at: string, scope: string) => ({ name, at, scope, run: { kind: 'event' } });
    const hooks = [
      hook('drain', 'cutover', 'vm'),
      hook('new', 'after', 'vm'),
      hook('ticket', 'before', 'plan'),
    ];
    const { vms, assumptions, figures } = await rehearsed([running('a')], { hooks }, {}, { measurements });
    expect(figures?.hooks).toEqual({
      drain: { value: 20_000, measured: 3 },
      ticket: { value: 100_000, measured: 1 },
    });
    const { forecast } = vms[0] ?? {};
    expect([forecast?.parts.hooksMs, forecast?.downtimeMs, forecast?.workMs]).toEqual([
      20_000, 61_000, 81_000,
    ]);
    expect([forecast?.beginsAt, forecast?.endsAt].map(seconds)).toEqual([100, 181]);
    expect(assumptions).toContain('hooks that were never measured take no time: new');
  });

  it('shares a bandwidth budget among the copies that run at once', async () => {
    const two = await rehearsed([running('a'), running('b')], {}, { bytesPerSecond: 100_000_000 });
    expect(two.vms.map(({ forecast }) => forecast.parts.copyMs)).toEqual([2000, 2000]);
  });

  it('says so if nothing may run', async () => {
    const { vms, total } = await rehearsed([running('a')], {}, { vms: 0 });
    expect(vms[0]?.order).toBeUndefined();
    expect(vms[0]?.waitsFor).toEqual(['a free slot: 0 VMs run, the limit of the installation']);
    expect(total?.endsAt).toBeUndefined();
  });

  it('covers each of ten thousand VMs', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      running(`vm-${index}`, { host: `esx${index % 20}` }),
    );
    const { total } = await rehearsed(many, { maxConcurrentMigrations: 100 }, { vms: 100, vmsPerHost: 8 });
    expect(total?.vms).toBe(10_000);
  });
});
