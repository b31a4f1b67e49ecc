import { alwaysPresent } from '../presence.js';
import { describe, expect, it } from '@jest/globals';
import type { HookSpec } from '@ledgerlift/contracts';
import { connectionReset, noon, noRoot, warmItinerary } from '../spec/fixtures.js';
import { History, given, started } from '../spec/vm-specification.js';
import { openAttempt } from './state.js';
import { stopWanted } from './job.js';
import { wakeAt } from './waits.js';

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

  it('stops a copy, and takes effect once it has stopped', () => {
    const asked = copying.after(pause);
    expect(stopWanted(asked.live)).toMatch(/lunch/);
    expect(asked.live.phase).toBe('running');
    expect(asked.stops().live).toMatchObject({ phase: 'paused', from: { phase: 'planned' } });
  });

  it('waits for the end of a step that would lose its work', () => {
    const asked = copying.completes('DiskTransfer').claimed().after(pause);
    expect(stopWanted(asked.live)).toBeUndefined();
    expect(asked.completes('ImageConversion').live.phase).toBe('paused');
  });

  it('withdraws a request that nobody claimed', () =>
    given(started.completes('Initialize'))
      .when(pause)
      .then('PauseRequested', 'StepStopped', 'VmMigrationPaused'));

  it('takes effect at once if nothing is running', () => {
    given(History.empty.planned()).when(pause).then('PauseRequested', 'VmMigrationPaused');
    given(waiting).when(pause).then('PauseRequested', 'VmMigrationPaused');
  });

  it('takes effect when the worker that should stop is lost', () => {
    const lost = copying.after(pause).after({ kind: 'lose', step: 'DiskTransfer', attempt: 1, at: noon });
    expect(lost.live.phase).toBe('paused');
  });

  it('keeps the VM from being woken', () =>
    expect(wakeAt(waiting.after(pause).live, alwaysPresent)).toBeUndefined());

  it('is refused at the end', () =>
    given(copying.fails('DiskTransfer', noRoot).completes('Cleanup'))
      .when(pause)
      .isRefused(/has failed/));
});

describe('a resume', () => {
  const paused = started.completes('Initialize', 'DiskAllocation').claimed().after(pause).stops();

  it('waits for a slot, then requests the step again', () => {
    expect(paused.after(resume).live.phase).toBe('planned');
    given(paused.after(resume))
      .when({ kind: 'admit', at: noon })
      .then('VmMigrationAdmitted', { type: 'StepRequested', data: { step: 'DiskTransfer', attempt: 2 } });
  });

  it('returns a VM to its wait between two rounds', () =>
    expect(waiting.after(pause).after(resume).live).toMatchObject({
      phase: 'waiting',
      precopy: { round: 1 },
    }));

  it('that comes before the worker has stopped restarts the step', () => {
    const again = started
      .completes('Initialize', 'DiskAllocation')
      .claimed()
      .after(pause)
      .after(resume)
      .stops();
    expect(openAttempt(again.live)).toMatchObject({ step: 'DiskTransfer', attempt: 2 });
  });

  it('is refused if the VM is not paused', () =>
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

  it('powers on a source that was powered off, before anything is removed', () => {
    const canceled = converting.after(cancel);
    expect(openAttempt(canceled.live)?.step).toBe('SourcePowerOn');
    expect(openAttempt(canceled.completes('SourcePowerOn').live)?.step).toBe('Cleanup');
  });

  it('first stops a target whose start was requested', () => {
    const canceled = finalStep.claimed().after(cancel).stops();
    expect(openAttempt(canceled.live)?.step).toBe('TargetPowerOff');
    expect(openAttempt(canceled.completes('TargetPowerOff').live)?.step).toBe('SourcePowerOn');
  });

  it('leaves the source off if the target cannot be confirmed as stopped', () => {
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

  it('leaves the source off if the plan says so, or if it was off before', () => {
    const keepOff = History.warm({ powerOnSourceAfterFailure: false }).after({ kind: 'admit', at: noon });
    const off = keepOff
      .completes(...firstCopy)
      .after({ kind: 'cutover', reason: '', by: '', dueAt: noon, at: noon });
    const failed = off.wakes(noon).after({ kind: 'admit', at: noon }).fails('SourcePowerOff', noRoot);
    expect(openAttempt(failed.live)?.step).toBe('Cleanup');
    expect(started.completes('Initialize').fails('DiskAllocation', noRoot).live.phase).toBe('failed');
  });

  it('after the target was started leaves the source off', () => {
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
    expect(retried.live.cutover.scheduled).toBeUndefined();
    // The overlays of the conversion that failed are in the way of the next pass.
    expect(openAttempt(retried.live)).toMatchObject({ step: 'Cleanup', release: [{ kind: 'overlay' }] });
    expect(openAttempt(retried.completes('Cleanup').live)?.step).toBe('SnapshotRemoval');
  });

  it('of a step that nobody claims in time holds the VM', () => {
    const asked = started.after({ kind: 'lose', step: 'Initialize', attempt: 1, at: noon });
    const open = openAttempt(asked.live);
    if (open === undefined) throw new Error('nothing is requested');
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

  it('leaves off a source that was off before, and says so', () => {
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

  it('reports the state of a source whose power cannot be switched', () => {
    const stopped = succeeded.after(rollback).completes('TargetPowerOff').claimed();
    const outcome = {
      kind: 'completed' as const,
      result: { step: 'SourcePowerOn' as const, powerState: 'unknown' as const },
    };
    const back = stopped.says('SourcePowerOn', 1, { outcome });
    expect(back.live.conditions.at(-1)?.message).toMatch(/the source is unknown/);
  });

  it('undoes the retirement of the source before powering it on', () => {
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

  it('that is incomplete fails, and may be requested again', () => {
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

  it('is passed over if the plan continues without it', () =>
    given(withHook({ onFailure: 'continue' }))
      .when({ ...answer, succeeded: 'no' })
      .then('StepStarted', 'StepFailed', 'ConditionRaised', 'StepPassedOver', 'StepRequested'));

  it('has its own number of retries', () => {
    const run: HookSpec['run'] = { kind: 'command', command: 'check', arguments: [] };
    expect(withHook({ run }).fails('PreHook', connectionReset).live.phase).toBe('failed');
    expect(withHook({ run, retries: 1 }).fails('PreHook', connectionReset).retry).toMatchObject({
      attempt: 2,
    });
  });

  it('that was not called cannot be answered', () =>
    given(started)
      .when({ ...answer, succeeded: 'yes' })
      .isRefused(/does not wait/));
});

function firstOf(step: string) {
  const found = warmItinerary.find((each) => each.step === step);
  if (found === undefined) throw new Error(`the warm itinerary has no ${step}`);
  return found;
}
