import { alwaysPresent } from '../presence.js';
import { describe, expect, it } from '@jest/globals';
import { MaintenanceWindow, WarmSettings } from '@ledgerlift/contracts';
import { noon, noRoot, record } from '../spec/fixtures.js';
import { given, History } from '../spec/vm-specification.js';
import { pipelineOf } from './pipeline.js';
import { openAttempt } from './state.js';
import { wakeAt } from './waits.js';

const at = (hours: number, days = 0): Date => new Date(Date.UTC(2026, 10, 23 + days, hours));
const firstCopy = ['Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer'] as const;
/** Every night; the fixtures' noon is outside. */
const windows = [MaintenanceWindow.parse({ from: '22:00', to: '02:00' })];
const warm = (cutover: unknown, rest = {}): History =>
  History.warm({ warm: WarmSettings.parse({ precopyIntervalMs: 604_800_000, cutover }), ...rest })
    .admitted()
    .completes(...firstCopy);
const cutoverAt = (dueAt: Date, by = 'ada', now = noon) =>
  ({ kind: 'cutover', reason: 'move it', by, dueAt, at: now }) as const;
const approve = (by: string, now = noon) =>
  ({ kind: 'approve-cutover', reason: 'yes', by, at: now }) as const;
const waits = (history: History): string =>
  pipelineOf(history.live)
    .flatMap(({ waitingFor }) => waitingFor ?? [])
    .join();

describe('a cutover in a maintenance window', () => {
  const scheduled = warm({ by: 'window', windows });

  it('begins when the window opens', () => {
    expect(scheduled.live.cutover.scheduled).toMatchObject({ by: 'window', dueAt: at(22).toISOString() });
    given(scheduled)
      .when({ kind: 'wake', at: at(22), random: 0, presence: alwaysPresent })
      .then('CutoverStarted');
  });

  it('waits for the next window if the planner was away during its own, and says so', () => {
    const late = { kind: 'wake', at: at(9, 1), random: 0, presence: alwaysPresent } as const;
    given(scheduled)
      .when(late)
      .then({
        type: 'CutoverDeferred',
        data: { reason: 'the maintenance window is closed', dueAt: at(22, 1).toISOString() },
      });
    const deferred = scheduled.after(late);
    expect(wakeAt(deferred.live, alwaysPresent)).toBe(at(22, 1).getTime());
    expect(waits(deferred)).toMatch(
      /2026-11-24T22:00:00.000Z, put off because the maintenance window is closed/,
    );
    given(deferred)
      .when({ kind: 'wake', at: at(22, 1), random: 0, presence: alwaysPresent })
      .then('CutoverStarted');
  });

  it('waits for the next window if its slot came too late', () => {
    const inQueue = scheduled.wakes(at(22));
    given(inQueue)
      .when({ kind: 'admit', at: at(3, 1) })
      .then('CutoverDeferred', { type: 'PrecopyScheduled', data: { round: 1 } });
    const deferred = inQueue.after({ kind: 'admit', at: at(3, 1) });
    expect(deferred.live).toMatchObject({
      phase: 'waiting',
      cutover: { scheduled: { dueAt: at(22, 1).toISOString() } },
    });
    expect(deferred.wakes(at(22, 1)).after({ kind: 'admit', at: at(22, 1) }).live.phase).toBe('running');
  });

  it('does not power off if the worker claims after the window: the request is withdrawn', () => {
    const asked = scheduled.wakes(at(22)).after({ kind: 'admit', at: at(22) });
    expect(openAttempt(asked.live)?.step).toBe('SourcePowerOff');
    given(asked)
      .when({ kind: 'claim', step: 'SourcePowerOff', attempt: 1, worker: 'w1', at: at(2, 1) })
      .then('StepStopped', 'CutoverDeferred', 'PrecopyScheduled');
    given(asked)
      .when({ kind: 'claim', step: 'SourcePowerOff', attempt: 1, worker: 'w1', at: at(1, 1) })
      .then('StepStarted');
  });

  it('continues after the window once the power-off has begun', () => {
    const begun = scheduled
      .wakes(at(22))
      .after({ kind: 'admit', at: at(22) })
      .claimed('w1', at(22));
    const lost = begun.after({ kind: 'lose', step: 'SourcePowerOff', attempt: 1, at: at(3, 1) });
    const again = lost.wakes(at(3, 1));
    given(again)
      .when({ kind: 'claim', step: 'SourcePowerOff', attempt: 2, worker: 'w2', at: at(3, 1) })
      .then('StepStarted');
  });

  it('approved too late is approved for the next window', () => {
    const asked = warm({ by: 'window', windows }, { approve: { start: false, cutover: true } });
    given(asked)
      .when(approve('grace', at(9, 1)))
      .then('CutoverDeferred', {
        type: 'CutoverApproved',
        data: { request: { dueAt: at(22, 1).toISOString() } },
      });
    const approved = asked.after(approve('grace', at(9, 1)));
    expect(wakeAt(approved.live, alwaysPresent)).toBe(at(22, 1).getTime());
  });

  it('approved for a missed window must be approved again', () => {
    const missed = warm({ by: 'window', windows }, { approve: { start: false, cutover: true } })
      .after(approve('grace'))
      .wakes(at(9, 1));
    given(missed)
      .when({ kind: 'wake', at: at(22, 1), random: 0, presence: alwaysPresent })
      .then();
  });

  it('is overridden by an operator who says now, and by nobody else', () => {
    const now = scheduled.after(cutoverAt(noon));
    expect(now.live.cutover.scheduled).toMatchObject({ windows: 'overridden' });
    given(now).when({ kind: 'wake', at: noon, random: 0, presence: alwaysPresent }).then('CutoverStarted');
    // A time in the window is kept to it.
    const timed = scheduled.after(cutoverAt(at(23)));
    given(timed)
      .when({ kind: 'wake', at: at(9, 1), random: 0, presence: alwaysPresent })
      .then('CutoverDeferred');
  });

  it('does not begin if its round ends after the window: rounds continue', () => {
    const hourly = History.warm({
      warm: WarmSettings.parse({ precopyIntervalMs: 3_600_000, cutover: { by: 'window', windows } }),
    })
      .admitted()
      .completes(...firstCopy)
      .wakes(at(13))
      .after({ kind: 'admit', at: at(13) })
      .completes('SnapshotRemoval', 'SnapshotCreation')
      .claimed();
    const outcome = {
      kind: 'completed' as const,
      result: { step: 'DiskTransfer' as const, disks: [], pass: { kind: 'delta' as const, round: 1 } },
    };
    const ended = hourly.says('DiskTransfer', 2, { outcome }, at(9, 1));
    expect(ended.events.slice(-2).map(({ type }) => type)).toEqual(['CutoverDeferred', 'PrecopyScheduled']);
    expect(ended.live.phase).toBe('waiting');
  });
});

describe('the downtime limit', () => {
  it('is checked again when the window opens', () => {
    const scheduled = warm({ by: 'downtime', maxDowntimeMs: 300_000, windows });
    expect(scheduled.live.cutover.scheduled).toMatchObject({ by: 'downtime', dueAt: at(22).toISOString() });
    given(scheduled)
      .when({ kind: 'wake', at: at(22), random: 0, presence: alwaysPresent })
      .then('CutoverStarted');
    const slower = { ...scheduled.live.record.expected, ...expected, shutdownMs: 400_000 };
    const record = { ...scheduled.live.record, expected: slower };
    const over = History.of({ ...scheduled.live, record });
    given(over)
      .when({ kind: 'wake', at: at(22), random: 0, presence: alwaysPresent })
      .then({ type: 'CutoverDeferred', data: { reason: expect.stringMatching(/over the limit/) } });
    expect(over.wakes(at(22)).live.cutover.scheduled).toBeUndefined();
    expect(waits(over.wakes(at(22)))).toMatch(/put off because the expected downtime/);
  });
});

const expected = {
  shutdownMs: 0,
  snapshotMs: 0,
  bytesPerSecond: 1e8,
  conversionMs: 0,
  bootMs: 0,
  measured: 1,
};

describe('the approval of a cutover', () => {
  const unasked = warm({ by: 'command' }, { approve: { start: false, cutover: true } });
  const asked = unasked.after(cutoverAt(at(22)));

  it('cannot be given before somebody requested a cutover', () =>
    given(unasked)
      .when(approve('ada'))
      .isRefused(/no cutover is scheduled/));

  it('cannot be given by the requester', () => {
    given(asked)
      .when(approve('ada'))
      .isRefused(/somebody else/);
    given(asked)
      .when(approve('grace'))
      .then({
        type: 'CutoverApproved',
        data: { request: { dueAt: at(22).toISOString(), askedBy: 'ada' } },
      });
  });

  it.each([
    ['another time', cutoverAt(at(23))],
    ['now', cutoverAt(noon)],
    ['another person', cutoverAt(at(22), 'grace')],
  ])('is void when somebody asks anew: %s', (_, again) => {
    const changed = asked.after(approve('grace')).after(again);
    expect(changed.live.cutover.isApproved).toBe(false);
    given(changed)
      .when({ kind: 'wake', at: at(23), random: 0, presence: alwaysPresent })
      .then();
  });

  it('stays when the same request is repeated', () =>
    given(asked.after(approve('grace')))
      .when(cutoverAt(at(22)))
      .then());

  it('covers only the request that the approver names', () => {
    given(asked)
      .when({ ...approve('grace'), dueAt: at(22) })
      .then('CutoverApproved');
    given(asked.after(cutoverAt(noon)))
      .when({ ...approve('grace'), dueAt: at(22) })
      .isRefused(/not for/);
  });

  it('cannot be given by the person who started the plan whose policy scheduled the cutover', () => {
    const settings = {
      ...record.settings,
      type: 'warm' as const,
      approve: { start: false, cutover: true },
      warm: WarmSettings.parse({ cutover: { by: 'window', windows } }),
    };
    const scheduled = History.empty
      .after({
        kind: 'plan',
        record: { ...record, startedBy: 'ada', settings },
        itinerary: unasked.live.itinerary,
      })
      .admitted()
      .completes(...firstCopy);
    given(scheduled)
      .when(approve('ada'))
      .isRefused(/somebody else/);
    given(scheduled).when(approve('grace')).then('CutoverApproved');
  });

  it('from an older log, which came before its request, keeps its meaning', () => {
    const old = unasked.with({ type: 'CutoverApproved', data: { reason: 'yes' } }).with({
      type: 'CutoverScheduled',
      data: { by: 'command', dueAt: at(22).toISOString(), reason: '', forecast, askedBy: 'ada' },
    });
    expect(old.live.cutover.isApproved).toBe(true);
  });
});

const forecast = {
  downtimeMs: 0,
  shutdownMs: 0,
  snapshotMs: 0,
  deltaMs: 0,
  conversionMs: 0,
  bootMs: 0,
  deltaBytes: 0,
  bytesPerSecond: 1,
};

describe('a cutover that is withdrawn', () => {
  const withdraw = { kind: 'withdraw-cutover', reason: 'not today', at: noon } as const;
  const scheduled = warm({ by: 'time', at: at(22).toISOString() });

  it('does not begin, whatever the policy says, until an operator requests one', () => {
    const withdrawn = scheduled.after(withdraw);
    given(withdrawn)
      .when({ kind: 'wake', at: at(23), random: 0, presence: alwaysPresent })
      .then();
    const passed = withdrawn
      .wakes(at(12, 7))
      .after({ kind: 'admit', at: at(12, 7) })
      .completes('SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer');
    expect(passed.live).toMatchObject({ phase: 'waiting', cutover: { scheduled: undefined } });
    given(withdrawn)
      .when(cutoverAt(at(23)))
      .then('CutoverScheduled');
  });

  it('may be withdrawn while the VM waits for a slot, and not later', () => {
    const inQueue = scheduled.wakes(at(22));
    given(inQueue).when(withdraw).then('CutoverWithdrawn', 'PrecopyScheduled');
    expect(inQueue.after(withdraw).live.phase).toBe('waiting');
    given(inQueue.after({ kind: 'admit', at: at(22) }))
      .when(withdraw)
      .isRefused(/has begun/);
    given(warm({ by: 'command' }))
      .when(withdraw)
      .isRefused(/no cutover/);
  });
});

describe('a cutover time that the plan corrects before a retry', () => {
  const changed = (history: History) => ({
    ...history.live.record,
    settings: {
      ...history.live.record.settings,
      warm: WarmSettings.parse({ cutover: { by: 'time', at: at(22, 5).toISOString() } }),
    },
  });
  const retry = (history: History) =>
    ({ kind: 'retry', reason: 'corrected', record: changed(history) }) as const;

  it('replaces the scheduled one', () => {
    const failed = warm({ by: 'time', at: at(23, 7).toISOString() })
      .wakes(at(12, 7))
      .after({ kind: 'admit', at: noon })
      .fails('SnapshotRemoval', noRoot)
      .completes('Cleanup');
    given(failed).when(retry(failed)).then('RetryRequested', 'CutoverWithdrawn');
    const passed = failed
      .after(retry(failed))
      .admitted()
      .completes('SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer');
    expect(passed.live.cutover.scheduled).toMatchObject({ by: 'time', dueAt: at(22, 5).toISOString() });
  });

  it('returns a VM that failed before its power-off to rounds', () => {
    const failed = warm({ by: 'time', at: noon.toISOString() }, { powerOnSourceAfterFailure: false })
      .fails('SourcePowerOff', noRoot)
      .completes('Cleanup');
    const again = failed.after(retry(failed)).admitted();
    expect(openAttempt(again.live)?.step).toBe('SnapshotRemoval');
  });
});
