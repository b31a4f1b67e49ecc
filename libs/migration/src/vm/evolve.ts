import {
  type Condition,
  type DiskCheckpoint,
  type DomainEvent,
  type EventOf,
  resourceKey,
} from '@ledgerlift/contracts';
import { noPasses, withCondition } from './fold-results.js';
import { completed, failed, reported, requested, started, stopped } from './evolve-attempts.js';
import { placeAfterFailure, placeAfterSnapshotLost, placeAfterSourceRan } from './going-back.js';
import { indexIn, type VmLive, type VmState } from './state.js';

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
    round: 0,
    attempts: [],
    attemptsMade: 0,
    turn: undefined,
    retryAt: undefined,
    failuresInARow: 0,
    lostInARow: 0,
    results: [],
    conversions: 0,
    passes: noPasses,
    checkpoints: {},
    ledger: {},
    adopted: {},
    conditions: [],
    precopy: undefined,
    cutover: undefined,
    cutoverApproved: false,
    cutoverDeferred: undefined,
    powerOffAt: undefined,
    cutoverWithdrawn: false,
    cutoverReleased: false,
    passAtCutover: undefined,
    testBoot: undefined,
    pause: undefined,
    pausedFrom: undefined,
    sourceRan: 0,
    snapshotsLost: 0,
    cancel: undefined,
    abandoned: false,
    targetDeleted: false,
    laterCleanups: 0,
    rollback: undefined,
    cleanup: undefined,
    kept: [],
    plannedAt: time,
    admittedAt: undefined,
    endedAt: undefined,
  };
}

/** No failure of what comes next has been seen yet. */
const afresh = { turn: undefined, retryAt: undefined, failuresInARow: 0, lostInARow: 0 } as const;

export function evolveLive(state: VmLive, event: DomainEvent, time: string): VmLive {
  switch (event.type) {
    case 'VmMigrationAdmitted':
      return { ...state, phase: 'running', admittedAt: state.admittedAt ?? time };
    case 'ResourceClaimed':
      return reported(
        { ...state, ledger: { ...state.ledger, [resourceKey(event.data.resource)]: event.data.resource } },
        event.data.report,
      );
    case 'ResourceAdopted':
      return reported(
        { ...state, adopted: { ...state.adopted, [resourceKey(event.data.resource)]: event.data.resource } },
        event.data.report,
      );
    case 'ResourceReleased': {
      const { [resourceKey(event.data.resource)]: _released, ...ledger } = state.ledger;
      return reported({ ...state, ledger }, event.data.report);
    }
    case 'ConditionRaised':
      return reported(
        { ...state, conditions: withCondition(state.conditions, event.data.condition) },
        event.data.report,
      );
    case 'StepRequested':
      return requested(state, event, time);
    case 'RemovalTurnAwaited':
      return { ...state, retryAt: undefined, turn: event.data };
    case 'StepStarted':
      return started(state, event, time);
    case 'StepCheckpointed': {
      const named = event.data.checkpoints.map((each) => [each.diskId, bounded(each)] as const);
      const checkpoints = { ...state.checkpoints, ...Object.fromEntries(named) };
      return reported({ ...state, failuresInARow: 0, lostInARow: 0, checkpoints }, event.data.report);
    }
    case 'StepCompleted':
      return completed(state, event, time);
    case 'StepFailed':
      return failed(state, event, time);
    case 'StepStopped':
      return stopped(state, event, time);
    case 'StepPassedOver':
      return passedOver(state, event);
    case 'RetryScheduled':
      return { ...state, retryAt: event.data };
    case 'CancelRequested':
      return { ...state, cancel: event.data.reason };
    case 'RetryRequested':
      return retryRequested(state, event);
    case 'RollbackRequested':
      return { ...state, rollback: event.data, endedAt: undefined };
    case 'CleanupRequested':
      return {
        ...state,
        targetDeleted: state.targetDeleted || event.data.what === 'target',
        laterCleanups: state.laterCleanups + 1,
        endedAt: undefined,
      };
    case 'VmMigrationAbandoned':
      return { ...state, abandoned: true };
    case 'CleanupDecided':
      return cleanupDecided(state, event);
    case 'VmMigrationSucceeded':
      return ended(state, 'succeeded', event, time);
    case 'VmMigrationFailed':
      return ended(state, 'failed', event, time);
    case 'VmMigrationCanceled':
      return ended(state, 'canceled', event, time);
    case 'VmMigrationRolledBack':
      return ended(state, 'rolled-back', event, time);
    default:
      return evolvePasses(state, event);
  }
}

/** Without the list of chunks that older versions wrote into it, which may be larger than a message. */
function bounded(checkpoint: DiskCheckpoint): DiskCheckpoint {
  const { diskId, momentId, changeId, bytesDone, bytesTotal, manifestDigest } = checkpoint;
  return {
    diskId,
    momentId,
    ...(changeId === undefined ? {} : { changeId }),
    bytesDone,
    bytesTotal,
    manifestDigest,
  };
}

/** What only happens to warm VMs, and what stops and goes on. */
function evolvePasses(state: VmLive, event: DomainEvent): VmLive {
  switch (event.type) {
    case 'PrecopyScheduled':
      return {
        ...state,
        ...afresh,
        phase: 'waiting',
        at: indexIn(state, 'precopy'),
        precopy: event.data,
        testBoot: undefined,
      };
    case 'PrecopyStarted':
      return { ...state, ...afresh, phase: 'planned', precopy: undefined, round: event.data.round };
    case 'CutoverScheduled':
      return {
        ...state,
        cutover: event.data,
        cutoverApproved: event.data.windows === undefined && state.cutoverApproved,
        cutoverDeferred: undefined,
        cutoverWithdrawn: false,
        passAtCutover: undefined,
      };
    case 'CutoverDeferred': {
      const { dueAt, reason } = event.data;
      const cutover = dueAt === undefined ? undefined : state.cutover && { ...state.cutover, dueAt };
      return { ...beforeCutover(state), cutover, cutoverDeferred: reason };
    }
    case 'PowerOffDeferred':
      return {
        ...state,
        ...afresh,
        phase: 'waiting',
        powerOffAt: event.data.dueAt,
        cutoverDeferred: event.data.reason,
      };
    case 'PowerOffDue':
      return { ...state, ...afresh, phase: 'planned', powerOffAt: undefined, cutoverDeferred: undefined };
    case 'CutoverWithdrawn':
      return {
        ...beforeCutover(state),
        cutover: undefined,
        cutoverDeferred: undefined,
        cutoverWithdrawn: event.data.next === 'command',
      };
    case 'CutoverPassDecided':
      return { ...state, passAtCutover: event.data.pass };
    case 'CutoverApproved':
      return { ...state, cutoverApproved: true };
    case 'CutoverReleased':
      return { ...state, cutoverReleased: true };
    case 'CutoverStarted':
      return {
        ...state,
        ...afresh,
        phase: state.phase === 'running' ? 'running' : 'planned',
        at: indexIn(state, 'cutover'),
        round: event.data.round,
        precopy: undefined,
        passAtCutover: undefined,
        cutoverDeferred: undefined,
      };
    case 'TestBootRequested':
      return {
        ...state,
        ...afresh,
        phase: 'planned',
        at: indexIn(state, 'test'),
        testBoot: event.data.reason,
      };
    case 'TestBootEnded':
      // Also where it could not be done: a test boot holds nothing up.
      return { ...state, ...afresh, phase: 'running', at: indexIn(state, 'precopy'), testBoot: undefined };
    case 'PauseRequested':
      return { ...state, pause: event.data.reason };
    case 'VmMigrationPaused':
      return { ...state, ...afresh, phase: 'paused', pausedFrom: state.phase };
    case 'ResumeRequested':
      return {
        ...state,
        pause: undefined,
        pausedFrom: undefined,
        phase:
          state.phase === 'paused' ? (state.pausedFrom === 'waiting' ? 'waiting' : 'planned') : state.phase,
      };
    case 'SourceRanMeanwhile':
      return { ...placeAfterSourceRan(stopped(state, event, '')), ...afresh, sourceRan: state.sourceRan + 1 };
    case 'SnapshotLost':
      return {
        ...placeAfterSnapshotLost(stopped(state, event, '')),
        ...afresh,
        snapshotsLost: state.snapshotsLost + 1,
      };
    default:
      return state;
  }
}

/** The cutover does not begin, or has not come to the power-off: passes go on. */
function beforeCutover(state: VmLive): VmLive {
  const isInCutover = state.at >= indexIn(state, 'cutover');
  return {
    ...state,
    at: isInCutover ? indexIn(state, 'precopy') : state.at,
    cutoverApproved: false,
    passAtCutover: undefined,
  };
}

function retryRequested(state: VmLive, { data }: EventOf<'RetryRequested'>): VmLive {
  return {
    ...placeAfterFailure(state),
    ...afresh,
    phase: 'planned',
    record: data.record ?? state.record,
    cleanup: undefined,
    kept: [],
    endedAt: undefined,
    conditions: state.conditions.filter(({ type }) => type !== 'Failed'),
  };
}

function cleanupDecided(state: VmLive, { data }: EventOf<'CleanupDecided'>): VmLive {
  return {
    ...state,
    ...afresh,
    phase: 'cleaning',
    powerOffAt: undefined,
    pause: undefined,
    pausedFrom: undefined,
    cleanup: {
      outcome: data.outcome,
      cause: data.cause,
      steps: data.steps,
      isIncomplete: false,
      release: data.release,
      keep: data.keep,
      later: data.later,
      firstAttempt: state.attemptsMade,
    },
  };
}

/**
 * A step of the itinerary is left behind; one of the end is given up, and with a target's stop its source's start and the
 * target's own deletion.
 */
function passedOver(state: VmLive, { data: { step } }: EventOf<'StepPassedOver'>): VmLive {
  const { cleanup } = state;
  if (cleanup === undefined) return { ...state, ...afresh, phase: 'running', at: state.at + 1 };
  const rest = cleanup.steps
    .slice(1)
    .filter(
      (each) =>
        step !== 'TargetPowerOff' || (each.step !== 'SourcePowerOn' && each.step !== 'SourceRestoration'),
    );
  const mayRun = step === 'TargetPowerOff' && cleanup.later === 'target';
  const reason = 'the target could not be seen stopped, so it was not deleted';
  const kept = mayRun ? cleanup.release.map((resource) => ({ resource, reason })) : [];
  return {
    ...state,
    ...afresh,
    targetDeleted: state.targetDeleted && !mayRun,
    cleanup: {
      ...cleanup,
      steps: rest,
      isIncomplete: true,
      release: mayRun ? [] : cleanup.release,
      keep: [...cleanup.keep, ...kept],
    },
  };
}

/** A VM that ends once more, after a later clean-up, says the same again. */
const isSame = (one: Condition, other: Condition): boolean =>
  one.type === other.type && one.reason === other.reason && one.message === other.message;

function ended(
  state: VmLive,
  phase: 'succeeded' | 'failed' | 'canceled' | 'rolled-back',
  event: EventOf<
    'VmMigrationSucceeded' | 'VmMigrationFailed' | 'VmMigrationCanceled' | 'VmMigrationRolledBack'
  >,
  time: string,
): VmLive {
  return {
    ...state,
    phase,
    kept: event.data.kept,
    conditions: withCondition(
      state.conditions.filter((each) => !isSame(each, event.data.condition)),
      event.data.condition,
    ),
    endedAt: time,
  };
}
