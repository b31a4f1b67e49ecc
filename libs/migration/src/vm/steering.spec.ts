import { alwaysPresent } from '../presence/presence.js';
import { describe, expect, it } from '@jest/globals';
import type { HookSpec } from '@ledgerlift/contracts';
import { connectionReset, noon, noRoot, warmItinerary } from '../spec/fixtures.js';
import { History, given, started } from '../spec/vm-specification.js';
import { openAttempt } from './state.js';
import { stopWanted } from './stop.js';
import { wakeAt } from './wake.js';

const later = (ms: number): Date => new Date(noon.getTime() + ms);
const pause = { kind: 'pause', reason: 'lunch' } as const;
const resume = { kind: 'resume', reason: 'back' } as const;
const cancel = { kind: 'cancel', reason: 'no' } as const;
const warm = (settings = {}) => History.warm(settings).after({ kind: 'admit', at: noon });
const firstCopy = ['Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer'] as const;
const waiting = warm().completes(...firstCopy);
const atPowerOff = waiting
  .after({ kind: 'cutover', reason: 'now', by: 'ada', dueAt: noon, at: noon })
  .wakes(noon)
  .after({ kind: 'admit', at: noon });
const converting = atPowerOff.completes(
  'SourcePowerOff',
  'SnapshotRemoval',
  'SnapshotCreation',
  'DiskTransfer',
);
const finalStep = converting.completes('ImageConversion', 'ImageCommit', 'VirtualMachineCreation');

describe('a pause', () => {
  const copying = started.completes('Initialize', 'DiskAllocation').claimed();

  it('stops a copy, and takes hold when it has stopped', () => {
    const asked = copying.after(pause);
    expect(stopWanted(asked.live)).toMatch(/lunch/);
    expect(asked.live.phase).toBe('running');
    expect(asked.stops().live).toMatchObject({ phase: 'paused', pausedFrom: 'running' });
  });

  it('waits for the end of a step that would lose its work', () => {
    const asked = copying.completes('DiskTransfer').claimed().after(pause);
    expect(stopWanted(asked.live)).toBeUndefined();
    expect(asked.completes('ImageConversion').live.phase).toBe('paused');
  });

  it('takes back what nobody has taken', () =>
    given(started.completes('Initialize'))
      .when(pause)
      .then('PauseRequested', 'StepStopped', 'VmMigrationPaused'));

  it('takes hold at once where nothing is under way', () => {
    given(History.empty.planned()).when(pause).then('PauseRequested', 'VmMigrationPaused');
    given(waiting).when(pause).then('PauseRequested', 'VmMigrationPaused');
  });

  it('takes hold when the worker that was to stop is lost', () => {
    const lost = copying.after(pause).after({ kind: 'lose', step: 'DiskTransfer', attempt: 1, at: noon });
    expect(lost.live.phase).toBe('paused');
  });

  it('lets nothing wake the VM', () =>
    expect(wakeAt(waiting.after(pause).live, alwaysPresent)).toBeUndefined());

  it('is refused at the end', () =>
    given(copying.fails('DiskTransfer', noRoot).completes('Cleanup'))
      .when(pause)
      .isRefused(/has failed/));
});

describe('a resume', () => {
  const paused = started.completes('Initialize', 'DiskAllocation').claimed().after(pause).stops();

  it('waits for a place, then asks for the step again', () => {
    expect(paused.after(resume).live.phase).toBe('planned');
    given(paused.after(resume))
      .when({ kind: 'admit', at: noon })
      .then('VmMigrationAdmitted', { type: 'StepRequested', data: { step: 'DiskTransfer', attempt: 2 } });
  });

  it('leads a VM between two passes back there', () =>
    expect(waiting.after(pause).after(resume).live).toMatchObject({
      phase: 'waiting',
      precopy: { round: 1 },
    }));

  it('that comes before the worker has stopped makes it begin again', () => {
    const again = started
      .completes('Initialize', 'DiskAllocation')
      .claimed()
      .after(pause)
      .after(resume)
      .stops();
    expect(openAttempt(again.live)).toMatchObject({ step: 'DiskTransfer', attempt: 2 });
  });

  it('is refused to what is not paused', () =>
    given(started)
      .when(resume)
      .isRefused(/not paused/));
});

describe('a cancel', () => {
  it('of a paused or waiting VM ends it at once', () => {
    given(started.after(pause)).when(cancel).then('CancelRequested', 'CleanupDecided', 'VmMigrationCanceled');
    given(waiting)
      .when(cancel)
      .then('CancelRequested', 'CleanupDecided', {
        type: 'StepRequested',
        data: { step: 'Cleanup' },
      });
  });

  it('powers a source on again that was powered off, before anything is removed', () => {
    const canceled = converting.after(cancel);
    expect(openAttempt(canceled.live)?.step).toBe('SourcePowerOn');
    expect(openAttempt(canceled.completes('SourcePowerOn').live)?.step).toBe('Cleanup');
  });

  it('sees the target off first where its start was asked for', () => {
    const canceled = finalStep.claimed().after(cancel).stops();
    expect(openAttempt(canceled.live)?.step).toBe('TargetPowerOff');
    expect(openAttempt(canceled.completes('TargetPowerOff').live)?.step).toBe('SourcePowerOn');
  });

  it('leaves the source off where the target cannot be seen stopped', () => {
    const stuck = finalStep.claimed().after(cancel).stops().fails('TargetPowerOff', noRoot);
    expect(openAttempt(stuck.live)?.step).toBe('Cleanup');
    expect(stuck.live.attempts.some(({ step }) => step === 'SourcePowerOn')).toBe(false);
    expect(stuck.live.conditions.at(-1)).toMatchObject({ type: 'NotDoneAtTheEnd' });
  });
});

describe('a failure', () => {
  it('powers the source on again', () => {
    const failed = converting.fails('ImageConversion', noRoot);
    expect(openAttempt(failed.live)?.step).toBe('SourcePowerOn');
    expect(failed.completes('SourcePowerOn', 'Cleanup').live.phase).toBe('failed');
  });

  it('does not where the plan says so, or where the source was off before', () => {
    const keepOff = History.warm({ powerOnSourceAfterFailure: false }).after({ kind: 'admit', at: noon });
    const off = keepOff
      .completes(...firstCopy)
      .after({ kind: 'cutover', reason: '', by: '', dueAt: noon, at: noon });
    const failed = off.wakes(noon).after({ kind: 'admit', at: noon }).fails('SourcePowerOff', noRoot);
    expect(openAttempt(failed.live)?.step).toBe('Cleanup');
    expect(started.completes('Initialize').fails('DiskAllocation', noRoot).live.phase).toBe('failed');
  });

  it('that comes after the target was started leaves the source off', () => {
    const proof = History.empty.after({
      kind: 'plan',
      record: finalStep.live.record,
      itinerary: [...warmItinerary, { ...firstOf('VirtualMachineCreation'), step: 'BootProof' }],
    });
    const failed = proof
      .after({ kind: 'admit', at: noon })
      .completes(...firstCopy)
      .after({ kind: 'cutover', reason: '', by: '', dueAt: noon, at: noon })
      .wakes(noon)
      .after({ kind: 'admit', at: noon })
      .completes('SourcePowerOff', 'SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer', 'ImageConversion')
      .completes('ImageCommit', 'VirtualMachineCreation', 'FinalPowerActions')
      .fails('BootProof', noRoot);
    expect(failed.live.attempts.map(({ step }) => step)).not.toContain('SourcePowerOn');
  });

  it('after which the source ran makes a retry read it again', () => {
    const failed = converting.fails('ImageConversion', noRoot).completes('SourcePowerOn', 'Cleanup');
    const retried = failed.after({ kind: 'retry', reason: 'fixed' }).after({ kind: 'admit', at: noon });
    expect(retried.live.cutover).toBeUndefined();
    // The overlays of the conversion that failed are in the way of the next pass.
    expect(openAttempt(retried.live)).toMatchObject({ step: 'Cleanup', release: [{ kind: 'overlay' }] });
    expect(openAttempt(retried.completes('Cleanup').live)?.step).toBe('SnapshotRemoval');
  });

  it('of a step that nobody takes holds the VM when the time for it is over', () => {
    const asked = started.after({ kind: 'lose', step: 'Initialize', attempt: 1, at: noon });
    const open = openAttempt(asked.live);
    if (open === undefined) throw new Error('nothing is asked for');
    const state = { ...asked.live, attempts: [{ ...open, requestedAt: noon.toISOString() }] };
    expect(wakeAt(state, alwaysPresent)).toBe(later(86_400_000).getTime());
  });
});

describe('a rollback', () => {
  const succeeded = finalStep.completes('FinalPowerActions', 'Cleanup', 'Cleanup');
  const rollback = { kind: 'rollback', reason: 'it is slow', at: later(3_600_000) } as const;

  it('stops the target, starts the source, and states what is lost', () => {
    expect(succeeded.live.phase).toBe('succeeded');
    given(succeeded)
      .when(rollback)
      .then(
        { type: 'RollbackRequested', data: { lostTo: later(3_600_000).toISOString() } },
        { type: 'CleanupDecided', data: { outcome: 'rolled-back', release: [] } },
        { type: 'StepRequested', data: { step: 'TargetPowerOff' } },
      );
    const back = succeeded.after(rollback).completes('TargetPowerOff', 'SourcePowerOn');
    expect(back.live).toMatchObject({ phase: 'rolled-back', kept: expect.arrayContaining([]) });
    expect(back.live.conditions.at(-1)?.message).toMatch(/the source runs again.*is not in the source/);
  });

  it('leaves a source off that was off before, and says so', () => {
    const wasOff = History.of({
      ...succeeded.live,
      results: [
        { step: 'Initialize', powerState: 'off', fingerprint: 'f1' },
        ...succeeded.live.results.filter(({ step }) => step !== 'Initialize'),
      ],
    });
    const back = wasOff.after(rollback).completes('TargetPowerOff');
    expect(back.live.phase).toBe('rolled-back');
    expect(back.live.attempts.map(({ step }) => step)).not.toContain('SourcePowerOn');
    expect(back.live.conditions.at(-1)?.message).toMatch(/the source is left off \(it was off before/);
  });

  it('says what was seen of a source that has no power to switch', () => {
    const stopped = succeeded.after(rollback).completes('TargetPowerOff').claimed();
    const outcome = {
      kind: 'completed' as const,
      result: { step: 'SourcePowerOn' as const, powerState: 'unknown' as const },
    };
    const back = stopped.says('SourcePowerOn', 1, { outcome });
    expect(back.live.conditions.at(-1)?.message).toMatch(/the source is unknown/);
  });

  it('undoes the retirement of the source before it has power again', () => {
    const retiring = warm({ retireSource: { disconnectNics: true, renameSuffix: '-migrated' } })
      .completes(...firstCopy)
      .after({ kind: 'cutover', reason: 'now', by: 'ada', dueAt: noon, at: noon })
      .wakes(noon)
      .after({ kind: 'admit', at: noon })
      .completes('SourcePowerOff', 'SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer', 'ImageConversion')
      .completes('ImageCommit', 'VirtualMachineCreation', 'FinalPowerActions');
    const retired = retiring.completes('SourceRetirement', 'Cleanup', 'Cleanup');
    expect(retired.live.phase).toBe('succeeded');
    const back = retired.after(rollback).completes('TargetPowerOff', 'SourceRestoration', 'SourcePowerOn');
    expect(back.live.phase).toBe('rolled-back');
    // While the target may run, its source stays as it is.
    const stuck = retired.after(rollback).fails('TargetPowerOff', noRoot);
    expect(stuck.live.attempts.map(({ step }) => step)).not.toContain('SourceRestoration');
  });

  it('that is not complete has failed, and may be asked for again', () => {
    const failed = succeeded.after(rollback).fails('TargetPowerOff', noRoot);
    expect(failed.live.phase).toBe('failed');
    expect(failed.live.attempts.map(({ step }) => step)).not.toContain('SourcePowerOn');
    given(failed)
      .when({ kind: 'retry', reason: '' })
      .isRefused(/rollback/);
    given(failed).when(rollback).then('RollbackRequested', 'CleanupDecided', 'StepRequested');
  });

  it('is refused before the target was started', () => {
    given(converting)
      .when(rollback)
      .isRefused(/target was started/);
    given(started)
      .when(rollback)
      .isRefused(/target was started/);
  });
});

describe('a hook', () => {
  const hook = (change: Partial<HookSpec>): HookSpec => ({
    name: 'ticket',
    at: 'before',
    scope: 'vm',
    run: { kind: 'event' },
    timeLimitMs: 1000,
    retries: 0,
    onFailure: 'fail',
    ...change,
  });
  const withHook = (change: Partial<HookSpec>): History => {
    const record = {
      ...started.live.record,
      settings: { ...started.live.record.settings, hooks: [hook(change)] },
    };
    const service = change.run?.kind === 'command' ? ('transfer' as const) : ('external' as const);
    const step = { ...firstOf('Initialize'), step: 'PreHook' as const, service, hook: 'ticket' };
    return History.empty
      .after({ kind: 'plan', record, itinerary: [step, firstOf('Initialize')] })
      .after({ kind: 'admit', at: noon });
  };
  const answer = {
    kind: 'answer-hook',
    hook: 'ticket',
    by: 'cmdb',
    said: 'CHG1',
    at: noon,
    random: 0,
  } as const;

  it('is answered by another system', () =>
    given(withHook({}))
      .when({ ...answer, succeeded: 'yes' })
      .then(
        { type: 'StepStarted', data: { worker: 'external/cmdb' } },
        { type: 'StepCompleted', data: { result: { step: 'PreHook', hook: 'ticket', said: 'CHG1' } } },
        { type: 'StepRequested', data: { step: 'Initialize' } },
      ));

  it('fails the VM when the answer says so', () =>
    given(withHook({}))
      .when({ ...answer, succeeded: 'no' })
      .then('StepStarted', 'StepFailed', 'CleanupDecided', 'VmMigrationFailed'));

  it('is left out where the plan goes on without it', () =>
    given(withHook({ onFailure: 'continue' }))
      .when({ ...answer, succeeded: 'no' })
      .then('StepStarted', 'StepFailed', 'ConditionRaised', 'StepPassedOver', 'StepRequested'));

  it('has its own number of retries', () => {
    const run: HookSpec['run'] = { kind: 'command', command: 'check', arguments: [] };
    expect(withHook({ run }).fails('PreHook', connectionReset).live.phase).toBe('failed');
    expect(withHook({ run, retries: 1 }).fails('PreHook', connectionReset).live.retryAt).toMatchObject({
      attempt: 2,
    });
  });

  it('that is not asked for is not answered', () =>
    given(started)
      .when({ ...answer, succeeded: 'yes' })
      .isRefused(/does not wait/));
});

function firstOf(step: string) {
  const found = warmItinerary.find((each) => each.step === step);
  if (found === undefined) throw new Error(`the warm itinerary has no ${step}`);
  return found;
}
