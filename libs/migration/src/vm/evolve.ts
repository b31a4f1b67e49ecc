import { type DomainEvent, type EventOf, type StepName, resourceKey } from '@ledgerlift/contracts';
import type { AttemptState, VmLive, VmState } from './state.js';

/** The events of a VM's stream. Others are not for this state and leave it as it is. */
export function evolveVm(state: VmState, event: DomainEvent, time = ''): VmState {
  if (event.type === 'VmMigrationPlanned') return planned(event, time);
  return state === undefined ? state : evolveLive(state, event, time);
}

/** The state after events that were decided in one go. */
export const foldLive = (state: VmLive, events: readonly DomainEvent[]): VmLive =>
  events.reduce((folded: VmLive, event) => evolveLive(folded, event, ''), state);

function planned({ data }: EventOf<'VmMigrationPlanned'>, time: string): VmLive {
  return {
    phase: 'planned',
    record: data.record,
    itinerary: data.itinerary,
    at: 0,
    attempts: [],
    retryAt: undefined,
    failuresInARow: 0,
    lostInARow: 0,
    results: [],
    checkpoints: {},
    ledger: {},
    conditions: [],
    cancel: undefined,
    abandoned: false,
    cleanup: undefined,
    kept: [],
    plannedAt: time,
    admittedAt: undefined,
    endedAt: undefined,
  };
}

export function evolveLive(state: VmLive, event: DomainEvent, time: string): VmLive {
  switch (event.type) {
    case 'VmMigrationAdmitted':
      return { ...state, phase: 'running', admittedAt: time };
    case 'ResourceClaimed':
      return reported(
        { ...state, ledger: { ...state.ledger, [resourceKey(event.data.resource)]: event.data.resource } },
        event.data.report,
      );
    case 'ResourceReleased': {
      const { [resourceKey(event.data.resource)]: _released, ...ledger } = state.ledger;
      return reported({ ...state, ledger }, event.data.report);
    }
    case 'ConditionRaised':
      return reported(
        { ...state, conditions: [...state.conditions, event.data.condition] },
        event.data.report,
      );
    case 'StepRequested':
      return { ...state, retryAt: undefined, attempts: [...state.attempts, requested(event, time)] };
    case 'StepStarted':
      return withAttempt(state, event.data.step, event.data.attempt, {
        status: 'started',
        worker: event.data.worker,
        startedAt: time,
      });
    case 'StepCheckpointed':
      return reported(
        {
          ...state,
          failuresInARow: 0,
          lostInARow: 0,
          checkpoints: {
            ...state.checkpoints,
            ...Object.fromEntries(
              event.data.checkpoints.map((checkpoint) => [checkpoint.diskId, checkpoint]),
            ),
          },
        },
        event.data.report,
      );
    case 'StepCompleted':
      return completed(state, event, time);
    case 'StepFailed':
      return failed(state, event, time);
    case 'RetryScheduled':
      return { ...state, retryAt: event.data };
    case 'CancelRequested':
      return { ...state, cancel: event.data.reason };
    case 'RetryRequested':
      return {
        ...state,
        phase: 'planned',
        record: event.data.record ?? state.record,
        retryAt: undefined,
        failuresInARow: 0,
        lostInARow: 0,
        cleanup: undefined,
        kept: [],
        endedAt: undefined,
        conditions: state.conditions.filter((condition) => condition.type !== 'Failed'),
      };
    case 'CleanupDecided':
      return {
        ...state,
        phase: 'cleaning',
        retryAt: undefined,
        failuresInARow: 0,
        lostInARow: 0,
        cleanup: {
          outcome: event.data.outcome,
          cause: event.data.cause,
          release: event.data.release,
          keep: event.data.keep,
          firstAttempt: state.attempts.length,
        },
      };
    case 'VmMigrationAbandoned':
      return { ...state, abandoned: true };
    case 'VmMigrationSucceeded':
      return ended(state, 'succeeded', event, time);
    case 'VmMigrationFailed':
      return ended(state, 'failed', event, time);
    case 'VmMigrationCanceled':
      return ended(state, 'canceled', event, time);
    default:
      return state;
  }
}

function requested({ data }: EventOf<'StepRequested'>, time: string): AttemptState {
  return {
    step: data.step,
    attempt: data.attempt,
    service: data.service,
    site: data.site,
    status: 'requested',
    worker: undefined,
    lastReport: 0,
    requestedAt: time,
    startedAt: undefined,
    endedAt: undefined,
    error: undefined,
    release: data.release ?? [],
  };
}

function completed(state: VmLive, { data }: EventOf<'StepCompleted'>, time: string): VmLive {
  const ending = withAttempt(state, data.step, data.attempt, {
    status: 'completed',
    lastReport: data.report,
    endedAt: time,
  });
  const fresh = { ...ending, failuresInARow: 0, lostInARow: 0 };
  if (data.step === 'Cleanup') return fresh;
  return { ...fresh, at: state.at + 1, results: [...state.results, data.result] };
}

function failed(state: VmLive, { data }: EventOf<'StepFailed'>, time: string): VmLive {
  const ending = withAttempt(state, data.step, data.attempt, {
    status: 'failed',
    lastReport: data.report,
    endedAt: time,
    error: data.error,
  });
  const counted = data.lost
    ? { ...ending, lostInARow: state.lostInARow + 1 }
    : { ...ending, failuresInARow: state.failuresInARow + 1 };
  if (data.error.class !== 'needs-operator') return counted;
  // A clean-up that nobody may carry out is over all the same: what it left is listed as kept.
  return data.step === 'Cleanup' ? counted : { ...counted, phase: 'held' };
}

function ended(
  state: VmLive,
  phase: 'succeeded' | 'failed' | 'canceled',
  event: EventOf<'VmMigrationSucceeded' | 'VmMigrationFailed' | 'VmMigrationCanceled'>,
  time: string,
): VmLive {
  return {
    ...state,
    phase,
    kept: event.data.kept,
    conditions: [...state.conditions, event.data.condition],
    endedAt: time,
  };
}

function withAttempt(state: VmLive, step: StepName, attempt: number, change: Partial<AttemptState>): VmLive {
  const attempts = state.attempts.map((each) =>
    each.step === step && each.attempt === attempt ? { ...each, ...change } : each,
  );
  return { ...state, attempts };
}

function reported(state: VmLive, report: number): VmLive {
  const last = state.attempts.at(-1);
  if (last === undefined || report <= last.lastReport) return state;
  return { ...state, attempts: [...state.attempts.slice(0, -1), { ...last, lastReport: report }] };
}
