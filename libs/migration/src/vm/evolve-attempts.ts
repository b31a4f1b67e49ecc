import type { EventOf, StepName } from '@ledgerlift/contracts';
import { foldAttempts, isEndingStep, noneFolded, tallied, withResult } from './folding.js';
import { toHeld } from './phases.js';
import { cleanupOf, isAtWork, isDecided, lastAttemptOf, type AttemptState, type VmLive } from './state.js';

/** Folds the events of a VM's attempts. */

export function requested(state: VmLive, event: EventOf<'StepRequested'>, time: string): VmLive {
  const attempts = [...state.attempts, newAttempt(state, event, time)];
  return {
    ...state,
    ...(isAtWork(state) ? { pending: undefined } : {}),
    attempts: foldAttempts(attempts, cleanupOf(state)?.firstAttempt),
    attemptsMade: state.attemptsMade + 1,
  };
}

function newAttempt(state: VmLive, { data }: EventOf<'StepRequested'>, time: string): AttemptState {
  return {
    number: state.attemptsMade,
    step: data.step,
    attempt: data.attempt,
    at: state.at,
    service: data.service,
    site: data.site,
    hook: data.hook,
    status: 'requested',
    worker: undefined,
    lastReport: 0,
    requestedAt: time,
    startedAt: undefined,
    endedAt: undefined,
    error: undefined,
    hadNoEffect: false,
    release: data.release ?? [],
    folded: noneFolded,
  };
}

export function started(state: VmLive, { data }: EventOf<'StepStarted'>, time: string): VmLive {
  const begun = withAttempt(state, data.step, data.attempt, {
    status: 'started',
    worker: data.worker,
    startedAt: time,
  });
  // From here on the disks hold converted content, which no delta can build on.
  return data.step === 'ImageCommit' ? { ...begun, checkpoints: {} } : begun;
}

export function completed(state: VmLive, { data }: EventOf<'StepCompleted'>, time: string): VmLive {
  const ending = withAttempt(state, data.step, data.attempt, {
    status: 'completed',
    lastReport: data.report,
    endedAt: time,
  });
  const snapshotsLost = data.step === 'DiskTransfer' ? 0 : state.snapshotsLost;
  const counted = { ...withFailures(ending, 0, 0), snapshotsLost };
  if (data.step === 'Cleanup') return counted;
  const fresh = {
    ...counted,
    results: withResult(state.results, data.result),
    conversions: state.conversions + (data.step === 'ImageConversion' ? 1 : 0),
    passes: tallied(state.passes, data.result, lastAttemptOf(ending, data.step)),
  };
  if (!isEndingStep(data.step)) return { ...fresh, at: state.at + 1 };
  return isDecided(fresh)
    ? { ...fresh, cleanup: { ...fresh.cleanup, steps: fresh.cleanup.steps.slice(1) } }
    : fresh;
}

export function failed(state: VmLive, { data }: EventOf<'StepFailed'>, time: string): VmLive {
  const ending = withAttempt(state, data.step, data.attempt, {
    status: 'failed',
    lastReport: data.report,
    endedAt: time,
    error: data.error,
    hadNoEffect: data.error.effect === 'none',
  });
  if (!isAtWork(ending)) return ending;
  // The end waits for nobody: a step that fails then is given up, and a condition reports it.
  if (data.error.class === 'needs-operator' && ending.phase === 'running') return toHeld(ending);
  const { failuresInARow, lostInARow } = ending;
  return data.lost
    ? withFailures(ending, failuresInARow, lostInARow + 1)
    : withFailures(ending, failuresInARow + 1, lostInARow);
}

export const withFailures = (state: VmLive, failuresInARow: number, lostInARow: number): VmLive =>
  isAtWork(state) ? { ...state, failuresInARow, lostInARow } : state;

export const stopped = (
  state: VmLive,
  { type, data }: EventOf<'StepStopped' | 'SourceRanMeanwhile' | 'SnapshotLost'>,
  time: string,
): VmLive =>
  withAttempt(state, data.step, data.attempt, {
    status: 'stopped',
    lastReport: data.report,
    endedAt: time,
    hadNoEffect: type === 'SourceRanMeanwhile',
  });

export function reported(state: VmLive, report: number): VmLive {
  const last = state.attempts.at(-1);
  if (last === undefined || report <= last.lastReport) return state;
  return { ...state, attempts: [...state.attempts.slice(0, -1), { ...last, lastReport: report }] };
}

function withAttempt(state: VmLive, step: StepName, attempt: number, change: Partial<AttemptState>): VmLive {
  const index = state.attempts.findLastIndex((each) => each.step === step && each.attempt === attempt);
  const known = state.attempts[index];
  return known === undefined
    ? state
    : { ...state, attempts: state.attempts.with(index, { ...known, ...change }) };
}
