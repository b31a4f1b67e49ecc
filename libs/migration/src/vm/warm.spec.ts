import { alwaysPresent } from '../presence.js';
import { describe, expect, it } from '@jest/globals';
import { type StepOutcome, WarmSettings } from '@ledgerlift/contracts';
import { connectionReset, noon, noRoot, sourceRan } from '../spec/fixtures.js';
import { History, given } from '../spec/vm-specification.js';
import { passOf, stopWanted } from './job.js';
import { openAttempt, precopyOf } from './state.js';
import { wakeAt } from './waits.js';

const later = (minutes: number): Date => new Date(noon.getTime() + minutes * 60_000);
const warm = (settings: Partial<WarmSettings> = {}, rest = {}) =>
  History.warm({
    warm: WarmSettings.parse({ precopyIntervalMs: 3_600_000, cutover: { by: 'command' }, ...settings }),
    ...rest,
  }).after({ kind: 'admit', at: noon });
const firstCopy = ['Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer'] as const;
const round = ['SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer'] as const;
const waiting = warm().completes(...firstCopy);
const inRound = (history: History): History =>
  history.wakes(later(60)).after({ kind: 'admit', at: later(60) });
const cutoverNow = { kind: 'cutover', reason: 'now', by: 'ada', dueAt: noon, at: noon } as const;

describe('a warm VM', () => {
  it('waits for its next round once the initial copy is complete, and gives up its slot', () => {
    given(warm().completes('Initialize', 'DiskAllocation', 'SnapshotCreation').claimed())
      .when({ kind: 'report', report: transferred(1), at: noon, random: 0 })
      .then('StepCompleted', {
        type: 'PrecopyScheduled',
        data: { round: 1, dueAt: later(60).toISOString() },
      });
    expect(waiting.live.phase).toBe('waiting');
    expect(wakeAt(waiting.live, alwaysPresent)).toBe(later(60).getTime());
  });

  it('is not woken early', () =>
    given(waiting)
      .when({ kind: 'wake', at: later(59), random: 0, presence: alwaysPresent })
      .then());

  it('waits for a slot when its next round is due', () => {
    given(waiting)
      .when({ kind: 'wake', at: later(60), random: 0, presence: alwaysPresent })
      .then('PrecopyStarted');
    expect(waiting.wakes(later(60)).live).toMatchObject({ phase: 'planned', round: 1 });
  });

  it('removes the previous snapshot, then makes the next one, then reads what changed', () => {
    const asked = ['SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer'] as const;
    let history = inRound(waiting);
    for (const step of asked) {
      expect(openAttempt(history.live)?.step).toBe(step);
      history = history.completes(step);
    }
    expect(history.live.phase).toBe('waiting');
  });

  it('logs the change ids of a snapshot before that snapshot is removed', () => {
    const events = inRound(waiting)
      .completes(...round)
      .events.map((event) => event.type);
    const stored = waiting.events.findIndex(
      (event) => event.type === 'StepCompleted' && event.data.step === 'SnapshotCreation',
    );
    const removal = inRound(waiting).events.findIndex(
      (event) => event.type === 'StepRequested' && event.data.step === 'SnapshotRemoval',
    );
    expect(stored).toBeGreaterThan(0);
    expect(removal).toBeGreaterThan(stored);
    expect(events.length).toBeGreaterThan(removal);
  });

  it('claims each snapshot under the number of its round', () => {
    const claimed = inRound(waiting)
      .completes('SnapshotRemoval')
      .events.flatMap((event) => (event.type === 'ResourceClaimed' ? [event.data.resource.name] : []));
    expect(claimed.filter((name) => name.startsWith('ledgerlift'))).toEqual([
      'ledgerlift-run-0-0',
      'ledgerlift-run-0-1',
    ]);
  });

  it('reads the snapshot that was made for the round', () => {
    expect(passOf(warm().completes('Initialize', 'DiskAllocation', 'SnapshotCreation').live)).toMatchObject({
      kind: 'full',
      round: 0,
      snapshot: { name: 'ledgerlift-run-0-0' },
    });
    expect(passOf(inRound(waiting).completes('SnapshotRemoval', 'SnapshotCreation').live)).toMatchObject({
      kind: 'delta',
      round: 1,
      snapshot: { name: 'ledgerlift-run-0-1' },
    });
  });

  it('makes no more rounds than the plan allows', () => {
    const once = warm({ maxPrecopies: 1 }).completes(...firstCopy);
    const last = inRound(once).completes(...round);
    expect(precopyOf(last.live)?.dueAt).toBeUndefined();
    expect(wakeAt(last.live, alwaysPresent)).toBeUndefined();
  });

  it('makes another snapshot if a retry comes after the first was removed', () => {
    const failed = inRound(waiting)
      .completes('SnapshotRemoval', 'SnapshotCreation')
      .fails('DiskTransfer', noRoot)
      .completes('Cleanup');
    expect(failed.live).toMatchObject({
      phase: 'failed',
      ledger: expect.not.objectContaining({ snapshot: 1 }),
    });
    const retried = failed.after({ kind: 'retry', reason: 'again' }).after({ kind: 'admit', at: noon });
    expect(openAttempt(retried.live)).toMatchObject({ step: 'SnapshotCreation', attempt: 3 });
  });
});

describe('a cutover', () => {
  const atCutover = waiting.after(cutoverNow).wakes(noon).after({ kind: 'admit', at: noon });

  it('by command begins as soon as the VM is between two rounds', () =>
    given(waiting.after(cutoverNow))
      .when({ kind: 'wake', at: noon, random: 0, presence: alwaysPresent })
      .then({ type: 'CutoverStarted', data: { round: 1, pass: 'complete' } }));

  it('powers the source off, then takes the last snapshot, then the last delta, then converts', () => {
    let history = atCutover;
    for (const step of ['SourcePowerOff', ...round, 'ImageConversion', 'ImageCommit'] as const) {
      expect(openAttempt(history.live)?.step).toBe(step);
      if (step === 'DiskTransfer') expect(passOf(history.live).kind).toBe('final');
      history = history.completes(step);
    }
  });

  it('at a time of the plan is scheduled when the initial copy is complete', () => {
    const at = later(600).toISOString();
    const timed = warm({ cutover: { by: 'time', at } }).completes(...firstCopy);
    expect(timed.live.cutover.scheduled).toMatchObject({ by: 'time', dueAt: at });
    expect(wakeAt(timed.live, alwaysPresent)).toBe(later(60).getTime());
  });

  it('by downtime waits until the forecast is under the limit', () => {
    const never = warm({ cutover: { by: 'downtime', maxDowntimeMs: 1, windows: [] } }).completes(
      ...firstCopy,
    );
    expect(never.live.cutover.scheduled).toBeUndefined();
    const soon = warm({ cutover: { by: 'downtime', maxDowntimeMs: 86_400_000, windows: [] } }).completes(
      ...firstCopy,
    );
    expect(soon.live).toMatchObject({ phase: 'running', cutover: { scheduled: { by: 'downtime' } } });
    expect(openAttempt(soon.live)?.step).toBe('SourcePowerOff');
  });

  it('waits for a second person if the plan requires one', () => {
    const approved = warm({}, { approve: { start: false, cutover: true } }).completes(...firstCopy);
    const asked = approved.after(cutoverNow);
    given(asked).when({ kind: 'wake', at: noon, random: 0, presence: alwaysPresent }).then();
    given(asked)
      .when({ kind: 'approve-cutover', reason: 'yes', by: 'ada', at: noon })
      .isRefused(/somebody else/);
    given(asked.after({ kind: 'approve-cutover', reason: 'yes', by: 'grace', at: noon }))
      .when({ kind: 'wake', at: noon, random: 0, presence: alwaysPresent })
      .then('CutoverStarted');
  });

  it('replaces an earlier one', () =>
    given(waiting.after({ ...cutoverNow, dueAt: later(30) }))
      .when(cutoverNow)
      .then({ type: 'CutoverScheduled', data: { dueAt: noon.toISOString() } }));

  it('is refused if the VM is already cut over', () =>
    given(atCutover)
      .when(cutoverNow)
      .isRefused(/has begun/));

  it('is refused for a cold VM', () =>
    given(History.empty.planned())
      .when(cutoverNow)
      .isRefused(/only a warm/));

  it('that came due while the VM waited for a slot goes before the round', () => {
    const overtaken = waiting.wakes(later(60)).after(cutoverNow);
    given(overtaken)
      .when({ kind: 'admit', at: later(60) })
      .then('CutoverStarted', 'VmMigrationAdmitted', {
        type: 'StepRequested',
        data: { step: 'SourcePowerOff' },
      });
  });
});

describe('a cutover that is due during a round', () => {
  // 100 bytes of a disk of which nothing is known to change: to finish the pass makes the downtime shorter.
  const copying = inRound(waiting)
    .completes('SnapshotRemoval', 'SnapshotCreation')
    .claimed()
    .after(cutoverNow);

  it('is decided once, by the shorter downtime', () => {
    given(copying)
      .when({ kind: 'wake', at: noon, random: 0, presence: alwaysPresent })
      .then({ type: 'CutoverPassDecided', data: { pass: 'finish' } });
    const decided = copying.wakes(noon);
    expect(wakeAt(decided.live, alwaysPresent)).toBeUndefined();
    expect(stopWanted(decided.live)).toBeUndefined();
  });

  it('follows at once if the round is finished', () => {
    const finished = copying.wakes(noon).says('DiskTransfer', 2, { outcome: transferred(2).outcome });
    expect(openAttempt(finished.live)?.step).toBe('SourcePowerOff');
    expect(finished.events.at(-2)).toMatchObject({ type: 'CutoverStarted', data: { pass: 'complete' } });
  });

  it('follows at the checkpoint if the round is broken off', () => {
    const brokenOff = copying.with({
      type: 'CutoverPassDecided',
      data: { pass: 'break-off', downtimeMs: { finish: 2, breakOff: 1 } },
    });
    expect(stopWanted(brokenOff.live)).toMatch(/cutover/);
    const stopped = brokenOff.stops();
    expect(stopped.events.slice(-3).map(({ type }) => type)).toEqual([
      'StepStopped',
      'CutoverStarted',
      'StepRequested',
    ]);
    expect(openAttempt(stopped.live)?.step).toBe('SourcePowerOff');
  });
});

describe('a source that ran after its power-off', () => {
  const final = waiting
    .after(cutoverNow)
    .wakes(noon)
    .after({ kind: 'admit', at: noon })
    .completes('SourcePowerOff', 'SnapshotRemoval', 'SnapshotCreation');

  it('is powered off again, and its last delta is copied again', () => {
    const ran = final.claimed().says('DiskTransfer', 2, { outcome: sourceRan });
    expect(ran.events.slice(-2)).toMatchObject([
      { type: 'SourceRanMeanwhile' },
      { type: 'StepRequested', data: { step: 'SourcePowerOff', attempt: 2 } },
    ]);
    expect(ran.live.round).toBe(2);
  });

  it('is read again from the start after a committed conversion, because no earlier data can be a base', () => {
    const committed = final.completes(
      'DiskTransfer',
      'ImageConversion',
      'ImageCommit',
      'VirtualMachineCreation',
    );
    const ran = committed.claimed().says('FinalPowerActions', 1, { outcome: sourceRan });
    expect(ran.live.checkpoints).toEqual({});
    // While an overlay exists, no pass writes its base.
    expect(openAttempt(ran.live)).toMatchObject({ step: 'Cleanup', release: [{ kind: 'overlay' }] });
    expect(openAttempt(ran.completes('Cleanup').live)?.step).toBe('SourcePowerOff');
  });

  it('holds the VM if somebody starts it again and again', () => {
    let history = final;
    for (let times = 0; times < 4; times += 1) {
      const open = openAttempt(history.live);
      if (open === undefined) break;
      history = history.claimed().says(open.step, open.attempt, { outcome: sourceRan });
    }
    expect(history.live.phase).toBe('held');
  });
});

describe('a test boot', () => {
  const testing = waiting.after({ kind: 'test-boot', reason: 'try' }).after({ kind: 'admit', at: noon });

  it('converts and boots overlays of its own, then discards them and waits as before', () => {
    const booted = testing.completes('TestConversion', 'TestBoot');
    expect(booted.events.at(-2)).toMatchObject({ type: 'TestBootEnded', data: { booted: true } });
    expect(openAttempt(booted.live)).toMatchObject({ step: 'Cleanup', service: 'converter' });
    const over = booted.completes('Cleanup');
    expect(over.live).toMatchObject({
      phase: 'waiting',
      at: waiting.live.at,
      precopy: precopyOf(waiting.live),
    });
  });

  it('that fails does not fail the VM', () => {
    const failed = testing.fails('TestConversion', noRoot);
    expect(failed.live.conditions.at(-1)).toMatchObject({ type: 'TestBootFailed' });
    expect(failed.completes('Cleanup').live.phase).toBe('waiting');
  });

  it('is retried after a transient failure', () =>
    expect(testing.fails('TestConversion', connectionReset).retry).toMatchObject({ attempt: 2 }));

  it('is refused during a round', () =>
    given(inRound(waiting))
      .when({ kind: 'test-boot', reason: 'try' })
      .isRefused(/between two rounds/));
});

function transferred(attempt: number) {
  return {
    ref: { stream: 'vm-m1-0', step: 'DiskTransfer' as const, attempt, worker: 'w1' },
    number: 1,
    claimed: [],
    released: [],
    conditions: [],
    checkpoints: [],
    outcome: {
      kind: 'completed' as const,
      result: {
        step: 'DiskTransfer' as const,
        disks: [],
        pass: { kind: 'delta' as const, round: 1 },
      },
    },
  };
}

describe('a snapshot that is lost while it is read', () => {
  const lost: StepOutcome = { kind: 'snapshot-lost', reason: 'its host failed' };
  const reading = inRound(waiting).completes('SnapshotRemoval', 'SnapshotCreation').claimed();

  it('is replaced by another, under the number of another round', () => {
    const replaced = reading.says('DiskTransfer', 2, { outcome: lost });
    expect(replaced.live.round).toBe(2);
    // What is left of the lost one goes first.
    expect(openAttempt(replaced.live)).toMatchObject({ step: 'Cleanup', release: [{ kind: 'snapshot' }] });
    expect(openAttempt(replaced.completes('Cleanup').live)?.step).toBe('SnapshotCreation');
  });

  it('fails the VM if that happens again and again', () => {
    let history = reading;
    for (let times = 0; times < 6; times += 1) {
      const open = openAttempt(history.live);
      if (open?.step !== 'DiskTransfer') history = history.completes('Cleanup', 'SnapshotCreation').claimed();
      const { attempt = 0 } = openAttempt(history.live) ?? {};
      history = history.says('DiskTransfer', attempt, { outcome: lost });
    }
    expect(history.decided.cleanup).toMatchObject({ outcome: 'failed', cause: { code: 'LL-MIG-011' } });
  });
});
