import type { EventOf, StepName } from '@ledgerlift/contracts';
import { foldAttempts, isEndingStep, noneFolded } from './fold-attempts.js';
import { tallied, withResult } from './fold-results.js';
import { lastAttemptOf, type AttemptState, type VmLive } from './state.js';

/** How the attempts of a VM come and go. */

export function requested(state: VmLive, event: EventOf<'StepRequested'>, time: string): VmLive {
  const attempts = [...state.attempts, newAttempt(state, event, time)];
  return {
    ...state,
    retryAt: undefined,
    turn: undefined,
    attempts: foldAttempts(attempts, state.cleanup?.firstAttempt),
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
  // From here on the disks hold what a conversion made of them: never again a delta's base.
  return data.step === 'ImageCommit' ? { ...begun, checkpoints: {} } : begun;
}

export function completed(state: VmLive, { data }: EventOf<'StepCompleted'>, time: string): VmLive {
  const ending = withAttempt(state, data.step, data.attempt, {
    status: 'completed',
    lastReport: data.report,
    endedAt: time,
  });
  const snapshotsLost = data.step === 'DiskTransfer' ? 0 : state.snapshotsLost;
  const counted = { ...ending, failuresInARow: 0, lostInARow: 0, snapshotsLost };
  if (data.step === 'Cleanup') return counted;
  const fresh = {
    ...counted,
    results: withResult(state.results, data.result),
    conversions: state.conversions + (data.step === 'ImageConversion' ? 1 : 0),
    passes: tallied(state.passes, data.result, lastAttemptOf(ending, data.step)),
  };
  if (!isEndingStep(data.step)) return { ...fresh, at: state.at + 1 };
  const { cleanup } = state;
  return {
    ...fresh,
    cleanup: cleanup && { ...cleanup, steps: cleanup.steps.slice(1) },
  };
}

export function failed(state: VmLive, { data }: EventOf<'StepFailed'>, time: string): VmLive {
  const ending = withAttempt(state, data.step, data.attempt, {
    status: 'failed',
    lastReport: data.report,
    endedAt: time,
    error: data.error,
    hadNoEffect: data.error.effect === 'none',
  });
  const counted = data.lost
    ? { ...ending, lostInARow: state.lostInARow + 1 }
    : { ...ending, failuresInARow: state.failuresInARow + 1 };
  // At the end nobody is waited for: what could not be done then is left out, and said.
  return data.error.class === 'needs-operator' && state.phase !== 'cleaning'
    ? { ...counted, phase: 'held' }
    : counted;
}

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
