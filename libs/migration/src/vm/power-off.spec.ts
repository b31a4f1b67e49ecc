import { alwaysPresent } from '../presence.js';
import { describe, expect, it } from '@jest/globals';
import { type ItineraryStep, MaintenanceWindow, WarmSettings } from '@ledgerlift/contracts';
import { itinerary as cold, noon, noRoot, record, sourceRan, warmItinerary } from '../spec/fixtures.js';
import { given, History } from '../spec/vm-specification.js';
import { pipelineOf } from './pipeline.js';
import { powerOffFor } from './power-off.js';
import { openAttempt } from './state.js';
import { wakeAt } from './waits.js';

const at = (hours: number, days = 0): Date => new Date(Date.UTC(2026, 10, 23 + days, hours));
/** Every night; the fixtures' noon is outside. */
const nightly = [MaintenanceWindow.parse({ from: '22:00', to: '02:00' })];
const windows = [nightly, []];

const powerOff = warmItinerary
  .filter(({ step }) => step === 'SourcePowerOff')
  .map((step): ItineraryStep => ({ ...step, part: 'main' }));
const coldItinerary = cold.toSpliced(1, 0, ...powerOff);
const initialized = {
  outcome: {
    kind: 'completed' as const,
    result: { step: 'Initialize' as const, powerState: 'on' as const, fingerprint: 'f1' },
  },
};
/** A cold VM that was on, with its power-off requested in the window. */
const coldVm = (settings: Partial<typeof record.settings> = {}): History =>
  History.empty
    .after({
      kind: 'plan',
      record: { ...record, settings: { ...record.settings, ...settings } },
      itinerary: coldItinerary,
    })
    .inWindows(windows)
    .after({ kind: 'admit', at: at(22) })
    .claimed('w1', at(22))
    .says('Initialize', 1, initialized, at(22));
const claim = (attempt: number, when: Date, worker = 'w1') =>
  ({ kind: 'claim', step: 'SourcePowerOff', attempt, worker, at: when }) as const;
const wake = (when: Date) => ({ kind: 'wake', at: when, random: 0, presence: alwaysPresent }) as const;
const mayPowerOff = (history: History, when: Date) => powerOffFor(history.live, when, windows);

describe('the power-off of a cold VM', () => {
  const asked = coldVm();

  it('is done while its window is open', () => {
    given(asked)
      .when(claim(1, at(1, 1)))
      .then('StepStarted');
    expect(mayPowerOff(asked.after(claim(1, at(1, 1))), at(1, 1))).toBeUndefined();
  });

  it('is deferred if its request is claimed outside the window', () => {
    given(asked)
      .when(claim(1, at(3, 1)))
      .then('StepStopped', {
        type: 'PowerOffDeferred',
        data: { reason: 'the maintenance window is closed', dueAt: at(22, 1).toISOString() },
      });
    const deferred = asked.after(claim(1, at(3, 1)));
    expect(deferred.live.phase).toBe('waiting');
    expect(wakeAt(deferred.live, alwaysPresent)).toBe(at(22, 1).getTime());
    expect(pipelineOf(deferred.live).flatMap(({ waitingFor }) => waitingFor ?? [])).toEqual([
      'the maintenance window that opens at 2026-11-24T22:00:00.000Z, to power the source off',
    ]);
  });

  it('is requested when the window opens again and the VM holds a slot', () => {
    const deferred = asked.after(claim(1, at(3, 1)));
    given(deferred)
      .when(wake(at(21, 1)))
      .then();
    given(deferred)
      .when(wake(at(22, 1)))
      .then('PowerOffDue');
    const due = deferred.after(wake(at(22, 1)));
    expect(due.live.phase).toBe('planned');
    given(due)
      .when({ kind: 'admit', at: at(22, 1) })
      .then('VmMigrationAdmitted', { type: 'StepRequested', data: { step: 'SourcePowerOff', attempt: 2 } });
    // Its place came too late.
    given(due)
      .when({ kind: 'admit', at: at(3, 2) })
      .then('PowerOffDeferred');
  });

  it('also waits for the window in a retry', () => {
    const failed = coldVm({ powerOnSourceAfterFailure: true })
      .claimed('w1', at(22))
      .says('SourcePowerOff', 1, { outcome: { kind: 'failed', error: noRoot } }, at(22))
      .completes('SourcePowerOn');
    const again = failed.after({ kind: 'retry', reason: 'again' });
    given(again).when({ kind: 'admit', at: noon }).then('PowerOffDeferred');
    given(again)
      .when({ kind: 'admit', at: at(23) })
      .then('VmMigrationAdmitted', 'StepRequested');
  });

  it('waits after a pause, and is paused while it waits', () => {
    const paused = asked.after({ kind: 'pause', reason: 'wait' });
    const resumed = paused.after({ kind: 'resume', reason: 'on' });
    given(resumed).when({ kind: 'admit', at: noon }).then('PowerOffDeferred');
    const waiting = resumed.after({ kind: 'admit', at: noon });
    const again = waiting.after({ kind: 'pause', reason: 'wait' }).after({ kind: 'resume', reason: 'on' });
    expect(again.live).toMatchObject({ phase: 'waiting', powerOff: { dueAt: at(22).toISOString() } });
  });

  it('waits for the windows of the installation and of the plan, whichever opens later', () => {
    const early = [MaintenanceWindow.parse({ from: '20:00', to: '06:00' })];
    given(asked.inWindows([early, nightly]))
      .when(claim(1, at(3, 1)))
      .then('StepStopped', { type: 'PowerOffDeferred', data: { dueAt: at(22, 1).toISOString() } });
  });

  it('that somebody undid also waits, because the source runs', () => {
    const ran = asked
      .claimed('w1', at(22))
      .says('SourcePowerOff', 1, off, at(22))
      .claimed('w1', at(22))
      .says('DiskAllocation', 1, { outcome: sourceRan }, at(22));
    expect(openAttempt(ran.live)).toMatchObject({ step: 'SourcePowerOff', attempt: 2 });
    expect(mayPowerOff(ran.after(claim(2, at(3, 1))), at(3, 1))).toBe('only-if-off');
  });

  it('is canceled while it waits, and then nothing is due', () => {
    const deferred = asked.after(claim(1, at(3, 1)));
    const canceled = deferred.after({ kind: 'cancel', reason: 'stop' });
    expect(canceled.live.phase).toBe('canceled');
    expect(canceled.live).not.toHaveProperty('powerOff');
  });
});

const off = {
  outcome: {
    kind: 'completed' as const,
    result: { step: 'SourcePowerOff' as const, momentId: 'off-1', how: 'shut-down' as const },
  },
};

describe('a power-off whose result nobody saw', () => {
  const lost = coldVm()
    .claimed('w1', at(1, 1))
    .after({ kind: 'lose', step: 'SourcePowerOff', attempt: 1, at: at(3, 1) })
    .after(wake(at(3, 1)));
  const looking = lost.after(claim(2, at(3, 1), 'w2'));
  const says = (outcome: object, when: Date) =>
    ({
      kind: 'report',
      report: {
        ref: { stream: '', step: 'SourcePowerOff', attempt: 2, worker: 'w2' },
        ...{ number: 1, claimed: [], released: [], conditions: [], checkpoints: [] },
        outcome,
      },
      at: when,
      random: 0,
    }) as never;

  it('is continued at once if the source is off; a source that is on is left on', () => {
    given(lost)
      .when(claim(2, at(3, 1), 'w2'))
      .then('StepStarted');
    expect(mayPowerOff(looking, at(3, 1))).toBe('only-if-off');
    given(looking)
      .when(says(off.outcome, at(3, 1)))
      .then('StepCompleted', 'ResourceClaimed', 'ResourceClaimed', 'StepRequested');
    given(looking)
      .when(says({ kind: 'stopped', reason: 'it is on' }, at(3, 1)))
      .then('StepStopped', { type: 'PowerOffDeferred', data: { dueAt: at(22, 1).toISOString() } });
  });

  it('is done in the window, and requested again if that opened meanwhile', () => {
    expect(mayPowerOff(looking, at(23, 1))).toBeUndefined();
    given(looking)
      .when(says({ kind: 'stopped', reason: 'it is on' }, at(22, 1)))
      .then('StepStopped', 'StepRequested');
  });

  it("is checked after an operator's retry, if a failure leaves the source as it is", () => {
    const settings = { powerOnSourceAfterFailure: false };
    const failed = coldVm(settings)
      .claimed('w1', at(22))
      .says('SourcePowerOff', 1, { outcome: { kind: 'failed', error: noRoot } }, at(22));
    const again = failed.after({ kind: 'retry', reason: 'again' }).after({ kind: 'admit', at: noon });
    expect(mayPowerOff(again.after(claim(2, noon)), noon)).toBe('only-if-off');
  });

  it('is checked if nobody saw the result of powering the source on again, either', () => {
    const failed = coldVm()
      .claimed('w1', at(22))
      .says('SourcePowerOff', 1, { outcome: { kind: 'failed', error: noRoot } }, at(22))
      .fails('SourcePowerOn', noRoot);
    const again = failed.after({ kind: 'retry', reason: 'again' }).after({ kind: 'admit', at: noon });
    expect(mayPowerOff(again.after(claim(2, noon)), noon)).toBe('only-if-off');
  });
});

describe('the power-off of a warm VM', () => {
  const warm = (settings: object = {}): History =>
    History.warm({
      warm: WarmSettings.parse({
        precopyIntervalMs: 604_800_000,
        cutover: { by: 'window', windows: nightly },
      }),
      ...settings,
    })
      .admitted()
      .completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer')
      .wakes(at(22))
      .after({ kind: 'admit', at: at(22) });

  it('is bound to the window in a retry, if a failure leaves the source as it is', () => {
    const failed = warm({ powerOnSourceAfterFailure: false })
      .claimed('w1', at(22))
      .says('SourcePowerOff', 1, { outcome: { kind: 'failed', error: noRoot } }, at(22))
      .completes('Cleanup');
    const asked = failed.after({ kind: 'retry', reason: 'again' }).after({ kind: 'admit', at: noon });
    const claimed = asked.after(claim(2, noon));
    expect(powerOffFor(claimed.live, noon, [])).toBe('only-if-off');
    const stopped = claimed.says('SourcePowerOff', 2, { outcome: { kind: 'stopped', reason: 'it is on' } });
    expect(stopped.events.slice(-3).map(({ type }) => type)).toEqual([
      'StepStopped',
      'CutoverDeferred',
      'PrecopyScheduled',
    ]);
    expect(stopped.live.phase).toBe('waiting');
  });

  it('that somebody undid is bound to the window', () => {
    const ran = warm()
      .claimed('w1', at(22))
      .says('SourcePowerOff', 1, off, at(22))
      .claimed('w1', at(22))
      .says('SnapshotRemoval', 1, { outcome: sourceRan }, at(22));
    expect(mayPowerOff(ran.after(claim(2, at(3, 1))), at(3, 1))).toBe('only-if-off');
  });
});
