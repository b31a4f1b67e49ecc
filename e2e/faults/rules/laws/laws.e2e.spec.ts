import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '@ledgerlift/event-log';
import { VmRecords } from '../../judge/records.js';
import type { Asked } from '../../run/operator.js';
import type { HookLine } from '../answers.js';
import type { HookScript, RulesScript } from '../script.js';
import { judgeHookProcesses, type RulesFacts, type SourceEffect } from './facts.js';
import { judgeRules } from './laws.js';

/** A made-up story: everything has a second of one minute. */
const at = (second: number): string => `2026-11-29T12:00:${String(second).padStart(2, '0')}.000Z`;
const ms = (second: number): number => Date.parse(at(second));

const event = (second: number, type: string, data: object = {}): StoredEvent =>
  ({ type, time: at(second), stream: 'vm-m-0', data }) as StoredEvent;
const started = (second: number): StoredEvent => event(second, 'StepStarted', { step: 'SourcePowerOff' });
const asked = (second: number, kind: Asked['kind'], by: string, change: Partial<Asked> = {}): Asked => ({
  kind,
  vm: 0,
  by,
  moment: 'whichever',
  reason: `${kind} ${second}`,
  at: at(second),
  answer: 'accepted',
  said: '',
  ...change,
});
const off = (second: number): SourceEffect => ({ effect: 'power-off', time: at(second) });
const call = (second: number, what: HookLine['what'], change: Partial<HookLine> = {}): HookLine => ({
  time: at(second),
  what,
  hook: 'h',
  vm: '0',
  attempt: '1',
  outcome: what === 'ended' ? 'ok' : '-',
  ...change,
});
const hook = (change: Partial<HookScript>): HookScript => ({
  name: 'h',
  at: 'cutover',
  scope: 'vm',
  run: 'command',
  onFailure: 'fail',
  timeLimitMs: 1000,
  retries: 0,
  behaviours: ['ok'],
  ...change,
});

interface Story {
  readonly rules?: Partial<RulesScript>;
  readonly warm?: boolean;
  readonly instants?: RulesFacts['instants'];
  readonly asked?: readonly Asked[];
  readonly run?: readonly StoredEvent[];
  readonly events?: readonly StoredEvent[];
  readonly effects?: readonly SourceEffect[];
  readonly calls?: readonly HookLine[];
}

const findingsOf = ({ rules = {}, events = [], effects = [], ...facts }: Story): readonly string[] =>
  judgeRules({
    warm: true,
    instants: undefined,
    asked: [],
    run: [],
    calls: [],
    ...facts,
    rules: {
      window: undefined,
      approvals: { start: false, cutover: false, given: 'given', tries: [] },
      hooks: [],
      ...rules,
    },
    vms: [{ name: 'web', index: 0, records: new VmRecords(events), effects }],
  }).map(({ what }) => what);

const window = (of: 'begin' | 'cutover'): NonNullable<RulesScript['window']> => ({
  kind: 'opens',
  of,
  policy: 'window',
  timeZone: 'UTC',
  turnsAtMs: 0,
  otherwise: 'cancel',
});

describe('the law of windows', () => {
  const cutover: Story = {
    rules: { window: window('cutover') },
    instants: { opensAt: ms(20), closesAt: ms(40) },
  };

  it('allows a power-off inside the window, and one that was begun before it closed', () => {
    expect(findingsOf({ ...cutover, events: [started(21)], effects: [off(22)] })).toEqual([]);
    expect(findingsOf({ ...cutover, events: [started(39)], effects: [off(50)] })).toEqual([]);
  });

  it('finds a power-off before the window, after it, and with nothing that began it', () => {
    const outside = [expect.stringMatching(/powered off at .*, outside its window/)];
    expect(findingsOf({ ...cutover, events: [started(18)], effects: [off(19)] })).toEqual(outside);
    expect(findingsOf({ ...cutover, events: [started(50)], effects: [off(51)] })).toEqual(outside);
    expect(findingsOf({ ...cutover, effects: [off(30)] })).toEqual(outside);
  });

  it('finds the next power-off after we powered the source on, and not one after somebody else did', () => {
    const again = { ...cutover, effects: [off(22), off(55)] };
    const back = event(30, 'StepCompleted', { step: 'SourcePowerOn' });
    expect(findingsOf({ ...again, events: [started(21), started(54)] })).toEqual([]);
    expect(findingsOf({ ...again, events: [started(21), back, started(54)] })).toHaveLength(1);
  });

  it('lets an operator override it, unless that was refused', () => {
    const story = { ...cutover, events: [started(11)], effects: [off(12)] };
    expect(findingsOf({ ...story, asked: [asked(10, 'cutover', 'ada')] })).toEqual([]);
    expect(
      findingsOf({ ...story, asked: [asked(10, 'cutover', 'ada', { answer: 'refused' })] }),
    ).toHaveLength(1);
    expect(findingsOf({ ...story, asked: [asked(13, 'cutover', 'ada')] })).toHaveLength(1);
  });

  it('finds a VM that begins outside the window of its plan', () => {
    const begin: Story = { ...cutover, warm: false, rules: { window: window('begin') } };
    const admitted = (second: number) => [event(second, 'VmMigrationAdmitted')];
    expect(findingsOf({ ...begin, events: [...admitted(21), started(39)], effects: [off(50)] })).toEqual([]);
    expect(findingsOf({ ...begin, events: [...admitted(21), started(50)], effects: [off(51)] })).toEqual([
      expect.stringMatching(/powered off at .*, outside its window/),
    ]);
    expect(findingsOf({ ...begin, events: admitted(19) })).toEqual([expect.stringMatching(/began at/)]);
    expect(findingsOf({ ...begin, events: admitted(50) })).toHaveLength(1);
    expect(findingsOf({ ...begin, effects: [off(30)] })).toContainEqual(expect.stringMatching(/was touched/));
  });
});

describe('the law of approvals', () => {
  const approvals = (what: 'start' | 'cutover'): Partial<RulesScript> => ({
    approvals: { start: what === 'start', cutover: what === 'cutover', given: 'given', tries: [] },
  });
  const begun = [event(10, 'VmMigrationAdmitted')];
  const approvedRun = (second: number): StoredEvent =>
    event(second, 'MigrationApproved', { reason: `approve-start ${second}` });

  it('finds a start that nobody approved, that was too early, and that whoever asked approved', () => {
    const story: Story = { rules: approvals('start'), events: begun };
    expect(
      findingsOf({ ...story, asked: [asked(9, 'approve-start', 'ada')], run: [approvedRun(9)] }),
    ).toEqual([]);
    expect(findingsOf(story)).toEqual([expect.stringMatching(/before a second person/)]);
    expect(findingsOf({ ...story, asked: [asked(11, 'approve-start', 'ada')] })).toHaveLength(1);
    const own = { ...story, asked: [asked(9, 'approve-start', 'e2e')], run: [approvedRun(9)] };
    expect(findingsOf(own)).toContainEqual('e2e approved a start that e2e asked for');
    expect(findingsOf({ rules: approvals('start'), calls: [call(5, 'begun')] })).toHaveLength(1);
  });

  const schedule = event(5, 'CutoverScheduled', { by: 'command', reason: 'cutover 5' });
  const approve = event(7, 'CutoverApproved', { reason: 'approve-cutover 7' });
  const start = event(8, 'CutoverStarted');
  const story: Story = { rules: approvals('cutover'), effects: [off(10)] };
  const words = [asked(5, 'cutover', 'ada'), asked(7, 'approve-cutover', 'grace')];

  it('allows a cutover that somebody else approved', () => {
    expect(findingsOf({ ...story, events: [schedule, approve, start], asked: words })).toEqual([]);
  });

  it('finds a cutover that nobody approved, or the one who asked', () => {
    expect(findingsOf({ ...story, events: [schedule, start], asked: words })).toContainEqual(
      expect.stringMatching(/asked for by ada, approved by nobody/),
    );
    const own = [asked(5, 'cutover', 'ada'), asked(7, 'approve-cutover', 'ada')];
    expect(findingsOf({ ...story, events: [schedule, approve, start], asked: own })).toEqual([
      expect.stringMatching(/asked for by ada, approved by ada/),
    ]);
  });

  it('finds an approval that another request has voided', () => {
    const again = event(7, 'CutoverScheduled', { by: 'command', reason: 'cutover 5' });
    expect(findingsOf({ ...story, events: [schedule, approve, again, start], asked: words })).toHaveLength(1);
  });

  it('finds an approval that had to be refused', () => {
    const another = [asked(7, 'approve-cutover', 'grace', { moment: 'another' })];
    expect(findingsOf({ rules: approvals('cutover'), asked: another })).toEqual([
      expect.stringMatching(/not scheduled for then/),
    ]);
    expect(findingsOf({ asked: words })).toEqual([expect.stringMatching(/asks for no approval/)]);
  });
});

describe('the law of hooks', () => {
  const cutover = [event(5, 'VmMigrationAdmitted'), event(6, 'CutoverStarted')];
  const withHook = (change: Partial<HookScript>, story: Story): readonly string[] =>
    findingsOf({ ...story, rules: { hooks: [hook(change)] } });

  it('finds a power-off that a hook should have held back', () => {
    const failed = [call(7, 'begun'), call(8, 'ended', { outcome: 'fail' })];
    const story = { events: cutover, effects: [off(9)] };
    expect(withHook({}, { ...story, calls: [call(7, 'begun'), call(8, 'ended')] })).toEqual([]);
    expect(withHook({}, { ...story, calls: failed })).toEqual([
      expect.stringMatching(/powered off at .* in spite of/),
    ]);
    expect(withHook({ onFailure: 'continue' }, { ...story, calls: failed })).toEqual([]);
    expect(withHook({ onFailure: 'continue' }, story)).toHaveLength(1);
    // The word of an earlier cutover.
    const earlier = [call(5, 'begun'), call(5, 'ended')];
    expect(withHook({}, { ...story, calls: earlier })).toHaveLength(1);
    expect(withHook({ at: 'before' }, { ...story, calls: failed })).toEqual([
      expect.stringMatching(/was touched/),
    ]);
  });

  it('finds a hook that is called twice for one attempt, or more often than it is to be tried', () => {
    const twice = [call(7, 'begun'), call(8, 'begun')];
    expect(withHook({ retries: 5 }, { events: cutover, calls: twice })).toEqual([
      expect.stringMatching(/called 2 times for 0 in attempt 1/),
    ]);
    const calls = Array.from({ length: 4 }, (_, n) => call(7 + n, 'begun', { attempt: String(n) }));
    expect(withHook({ retries: 1 }, { events: cutover, calls })).toEqual([]);
    expect(withHook({}, { events: cutover, calls })).toEqual([expect.stringMatching(/at most 2 were due/)]);
    const lost = event(8, 'StepFailed', { lost: true });
    expect(withHook({}, { events: [...cutover, lost, lost], calls })).toEqual([]);
  });

  it('finds a hook that is left out, and one that comes before its moment', () => {
    const succeeded = [...cutover, event(20, 'VmMigrationSucceeded')];
    expect(withHook({ at: 'after' }, { events: succeeded })).toEqual([expect.stringMatching(/was left out/)]);
    expect(withHook({ at: 'after' }, { events: cutover, calls: [call(7, 'begun')] })).toEqual([
      expect.stringMatching(/before its moment/),
    ]);
    const failed = [...cutover, event(19, 'StepFailed'), event(20, 'VmMigrationFailed')];
    expect(withHook({ at: 'failure' }, { events: failed })).toEqual([
      expect.stringMatching(/was not called/),
    ]);
    expect(withHook({ at: 'failure' }, { events: failed, calls: [call(19, 'begun')] })).toEqual([]);
    expect(withHook({ at: 'failure' }, { events: cutover, calls: [call(19, 'begun')] })).toHaveLength(1);
  });

  it('finds a hook of the plan that is called too early, or not at all', () => {
    const plan = { at: 'after', scope: 'plan' } as const;
    const events = [...cutover, event(20, 'VmMigrationSucceeded')];
    const run = [event(21, 'MigrationCompleted')];
    const called = (second: number) => [call(second, 'begun', { vm: 'plan' })];
    expect(withHook(plan, { events, run, calls: called(22) })).toEqual([]);
    expect(withHook(plan, { events, run, calls: called(19) })).toEqual([
      expect.stringMatching(/before all VMs were at an end/),
    ]);
    expect(withHook(plan, { events, run })).toEqual([expect.stringMatching(/was not called/)]);
    expect(withHook({ ...plan, at: 'failure' }, { events, run, calls: called(22) })).toEqual([
      expect.stringMatching(/no VM has failed/),
    ]);
  });
});

describe('the law of what hooks leave behind', () => {
  it('finds a command that still runs', async () => {
    const journal = `/nowhere/${process.pid}/hooks`;
    // Waits for its input without another process.
    const stays = ['-c', 'read -r line', journal, 'h', 'ok'];
    const child = spawn('sh', stays, { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    try {
      expect(await judgeHookProcesses(journal, [hook({ run: 'http' })])).toEqual([]);
      const found = await judgeHookProcesses(journal, [hook({})], 0);
      expect(found).toMatchObject([{ kind: 'leaked', what: expect.stringMatching(/still runs/) }]);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    expect(await judgeHookProcesses(journal, [hook({})])).toEqual([]);
  });
});
