import { describe, expect, it } from '@jest/globals';
import type { ItineraryStep, VmRecord } from '@ledgerlift/contracts';
import { noon, noRoot, record, warmItinerary } from '../spec/fixtures.js';
import { given, History } from '../spec/vm-specification.js';
import { leftoversDueAt } from './after-end.js';
import { openAttempt } from './state.js';

const itinerary = [
  ...warmItinerary,
  {
    step: 'PostHook',
    phase: 'cutover',
    service: 'transfer',
    site: 'local',
    part: 'main',
    claims: [],
  },
] as const satisfies readonly ItineraryStep[];
const beforeStart = (powerState: VmRecord['powerState'] = 'auto'): History =>
  History.empty
    .after({
      kind: 'plan',
      record: { ...record, powerState, settings: { ...record.settings, type: 'warm' } },
      itinerary,
    })
    .admitted()
    .completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer')
    .after({ kind: 'cutover', reason: 'now', by: 'ada', dueAt: noon, at: noon })
    .wakes(noon)
    .admitted()
    .completes('SourcePowerOff', 'SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer')
    .completes('ImageConversion', 'ImageCommit', 'VirtualMachineCreation');
const cleaned = (history: History): History => {
  let now = history;
  while (openAttempt(now.live)?.step === 'Cleanup') now = now.completes('Cleanup');
  return now;
};
const keptNames = (history: History): readonly string[] =>
  history.decided.kept.map(({ resource }) => resource.name);
const disk = 'default/web/disk-0.raw';

const letGo = beforeStart().completes('FinalPowerActions');
const failed = cleaned(letGo.fails('PostHook', noRoot));
const abandon = { kind: 'abandon', reason: 'the plan was ended' } as const;
const deleteTarget = { kind: 'delete-target', reason: 'not needed', targetName: 'web' } as const;

describe('a target that was allowed to start', () => {
  it('is kept, with the reason, if its failed VM is abandoned', () => {
    const abandoned = cleaned(failed.after(abandon));
    expect(abandoned.live).toMatchObject({ phase: 'failed', isAbandoned: true });
    expect(abandoned.decided.kept).toContainEqual({
      resource: expect.objectContaining({ name: disk }),
      reason: expect.stringContaining('only delete-target removes it'),
    });
    expect(keptNames(abandoned)).toContain('default/web');
  });

  it('keeps running after a cancel, with its source off, and can then be rolled back', () => {
    const canceled = cleaned(letGo.after({ kind: 'cancel', reason: 'stop' }));
    expect(canceled.live.phase).toBe('canceled');
    expect(keptNames(canceled)).toContain(disk);
    const steps = canceled.live.attempts.map(({ step }) => step);
    expect(steps).not.toContain('TargetPowerOff');
    expect(steps).not.toContain('SourcePowerOn');
    expect(canceled.live.conditions.at(-1)?.message).toMatch(/left as it is/);
    given(canceled)
      .when({ kind: 'rollback', reason: 'back', at: noon })
      .then('RollbackRequested', 'CleanupDecided', 'StepRequested');
  });

  it('is kept, stopped, if its start was only requested', () => {
    const asked = beforeStart().claimed();
    const canceled = asked.after({ kind: 'cancel', reason: 'stop' }).stops();
    const back = cleaned(canceled.completes('TargetPowerOff', 'SourcePowerOn'));
    expect(back.live.phase).toBe('canceled');
    expect(keptNames(back)).toContain(disk);
  });

  it('does not include one whose start was refused because the source had run', () => {
    const refused = beforeStart()
      .claimed()
      .says('FinalPowerActions', 1, { outcome: { kind: 'source-ran', reason: 'it is on' } });
    const canceled = cleaned(refused.completes('Cleanup').after({ kind: 'cancel', reason: 'stop' }));
    expect(keptNames(cleaned(canceled.completes('TargetPowerOff', 'SourcePowerOn')))).not.toContain(disk);
  });

  it('is kept after a rollback, too', () => {
    const back = failed.after({ kind: 'rollback', reason: 'back', at: noon });
    expect(keptNames(back.completes('TargetPowerOff', 'SourcePowerOn'))).toContain(disk);
  });
});

describe('a retry after the target was allowed to start', () => {
  const retry = { kind: 'retry', reason: 'again' } as const;
  const startLost = beforeStart()
    .claimed()
    .after({ kind: 'lose', step: 'FinalPowerActions', attempt: 1, at: noon });
  const sourceIsOn = { outcome: { kind: 'source-ran' as const, reason: 'it is on' } };

  it('continues with the failed step, and repeats none before it', () => {
    const again = failed.after(retry).admitted();
    expect(openAttempt(again.live)?.step).toBe('PostHook');
  });

  it('is refused if the source runs again, because the disks would be copied anew', () => {
    const started = beforeStart().fails('FinalPowerActions', noRoot);
    const back = cleaned(started.completes('TargetPowerOff', 'SourcePowerOn'));
    given(back)
      .when(retry)
      .isRefused(/rollback.*delete-target/);
    expect(() => back.after(retry)).toThrow(expect.objectContaining({ code: 'LL-MIG-012' }));
    given(back)
      .when({ kind: 'rollback', reason: 'back', at: noon })
      .then('RollbackRequested', 'CleanupDecided', 'StepRequested');
  });

  it('is refused if the target was handed over halted', () => {
    const halted = beforeStart('off').completes('FinalPowerActions').fails('PostHook', noRoot);
    given(cleaned(halted.completes('TargetPowerOff', 'SourcePowerOn')))
      .when(retry)
      .isRefused(/allowed to start/);
  });

  it('continues if no worker had claimed the start yet', () => {
    const unreachable = { ...noRoot, effect: 'none' } as const;
    const untouched = beforeStart().fails('FinalPowerActions', unreachable);
    const back = cleaned(untouched.completes('TargetPowerOff', 'SourcePowerOn'));
    given(back).when(retry).then('RetryRequested');
    expect(keptNames(cleaned(back.after(abandon)))).not.toContain(disk);
  });

  it('copies nothing if it finds that the source ran: it fails, and the target is confirmed stopped', () => {
    const ran = startLost.retryDue().claimed().says('FinalPowerActions', 2, sourceIsOn);
    expect(openAttempt(ran.live)?.step).toBe('TargetPowerOff');
    expect(ran.decided.cleanup).toMatchObject({ outcome: 'failed', cause: { code: 'LL-MIG-012' } });
    given(cleaned(ran.completes('TargetPowerOff', 'SourcePowerOn')))
      .when(retry)
      .isRefused(/delete-target/);
  });

  it('copies nothing after a resume of a VM that was paused meanwhile, either', () => {
    const paused = startLost
      .retryDue()
      .claimed()
      .after({ kind: 'pause', reason: 'wait' })
      .says('FinalPowerActions', 2, sourceIsOn);
    expect(paused.live.phase).toBe('paused');
    const resumed = paused.after({ kind: 'resume', reason: 'on' }).admitted();
    expect(resumed.decided.cleanup).toMatchObject({ outcome: 'failed', cause: { code: 'LL-MIG-012' } });
  });

  it('converts adopted disks no second time', () => {
    const wasOn = { step: 'Initialize' as const, powerState: 'on' as const, fingerprint: 'f1' };
    const powerOff = itinerary
      .filter(({ step }) => step === 'SourcePowerOff')
      .map((step) => ({ ...step, part: 'main' as const }));
    const conversion = itinerary
      .filter(({ part, step }) => part === 'main' && step !== 'SnapshotCreation' && step !== 'DiskTransfer')
      .toSpliced(1, 0, ...powerOff);
    const brought = History.empty
      .after({
        kind: 'plan',
        record: { ...record, settings: { ...record.settings, type: 'conversion' } },
        itinerary: conversion,
      })
      .admitted()
      .claimed()
      .says('Initialize', 1, { outcome: { kind: 'completed', result: wasOn } })
      .completes('SourcePowerOff', 'DiskAllocation', 'ImageConversion', 'ImageCommit')
      .completes('VirtualMachineCreation')
      .fails('FinalPowerActions', noRoot);
    given(cleaned(brought.completes('TargetPowerOff', 'SourcePowerOn')))
      .when(retry)
      .isRefused(/delete-target/);
  });
});

describe('the deletion of a target that was allowed to start', () => {
  it('confirms that it is stopped, powers the source on, and then removes it', () => {
    given(failed)
      .when(deleteTarget)
      .then(
        { type: 'CleanupRequested', data: { what: 'target' } },
        { type: 'CleanupDecided', data: { outcome: 'failed', later: 'target' } },
        { type: 'StepRequested', data: { step: 'TargetPowerOff' } },
      );
    const gone = cleaned(failed.after(deleteTarget).completes('TargetPowerOff', 'SourcePowerOn'));
    expect(gone.live).toMatchObject({ phase: 'failed', ledger: {} });
    expect(gone.live.conditions.filter(({ type }) => type === 'Failed')).toHaveLength(1);
    given(gone).when(deleteTarget).then();
    given(gone)
      .when({ kind: 'retry', reason: '' })
      .isRefused(/was deleted/);
  });

  it('does not happen if the target cannot be confirmed as stopped', () => {
    const stuck = failed.after(deleteTarget).fails('TargetPowerOff', noRoot);
    expect(stuck.live.phase).toBe('failed');
    expect(keptNames(stuck)).toContain(disk);
    expect(stuck.live.attempts.map(({ step }) => step)).not.toContain('SourcePowerOn');
    given(stuck).when(deleteTarget).then('CleanupRequested', 'CleanupDecided', 'StepRequested');
  });

  it('must name the target, and is refused without a target or before the end', () => {
    given(failed)
      .when({ ...deleteTarget, targetName: 'db' })
      .isRefused(/is web/);
    given(letGo)
      .when(deleteTarget)
      .isRefused(/cancel it first/);
    given(cleaned(letGo.completes('PostHook')))
      .when(deleteTarget)
      .isRefused(/roll it back/);
    const early = cleaned(History.warm().admitted().fails('Initialize', noRoot));
    given(early)
      .when(deleteTarget)
      .isRefused(/no target/);
  });
});

describe('a target that should not run', () => {
  it('does not keep its source off if the VM fails', () => {
    const halted = beforeStart('off').completes('FinalPowerActions').fails('PostHook', noRoot);
    expect(openAttempt(halted.live)?.step).toBe('TargetPowerOff');
    const back = cleaned(halted.completes('TargetPowerOff', 'SourcePowerOn'));
    expect(back.live.phase).toBe('failed');
    expect(keptNames(back)).toContain(disk);
  });
});

describe('a leftover of a clean-up', () => {
  const early = History.warm().admitted().completes('Initialize', 'DiskAllocation', 'SnapshotCreation');
  const left = early.fails('DiskTransfer', noRoot).fails('Cleanup', noRoot);
  const again = { kind: 'clean-up', reason: 'the source is back' } as const;

  it('is listed until a later clean-up removes it', () => {
    expect(left.decided.kept).toContainEqual({
      resource: expect.objectContaining({ kind: 'snapshot' }),
      reason: 'clean-up could not release it',
    });
    given(left).when(again).then('CleanupRequested', 'CleanupDecided', 'StepRequested');
    const removed = left.after(again).completes('Cleanup');
    expect(removed.live.phase).toBe('failed');
    expect(removed.decided.kept.map(({ resource }) => resource.kind)).not.toContain('snapshot');
    given(removed).when(again).then();
  });

  it('may still be retried afterwards', () => {
    const removed = left.after(again).completes('Cleanup');
    given(removed).when({ kind: 'retry', reason: 'again' }).then('RetryRequested');
  });

  it('is due again after an hour, then after ever longer, up to a day', () => {
    const at = (laterCleanups: number): number | undefined =>
      leftoversDueAt({ ...left.ended, endedAt: noon.toISOString(), laterCleanups });
    const hours = [0, 1, 2, 3, 4, 5, 50].map((n) => ((at(n) ?? 0) - noon.getTime()) / 3_600_000);
    expect(hours).toEqual([1, 2, 4, 8, 16, 24, 24]);
    expect(
      leftoversDueAt({ ...left.after(again).completes('Cleanup').ended, endedAt: noon.toISOString() }),
    ).toBeUndefined();
  });

  it('is due a minute after the end if the source is back, and later each time it comes and goes', () => {
    const at = (laterCleanups: number): number | undefined =>
      leftoversDueAt({ ...left.ended, endedAt: noon.toISOString(), laterCleanups }, 'back');
    const minutes = [0, 1, 2, 50].map((n) => ((at(n) ?? 0) - noon.getTime()) / 60_000);
    expect(minutes).toEqual([1, 2, 4, 1024]);
  });

  it('is not cleaned up before the VM has ended', () =>
    given(early)
      .when(again)
      .isRefused(/that has ended/));
});
