import {
  type Condition,
  type DiskCheckpoint,
  type DomainEvent,
  type EventOf,
  type Outcome,
  resourceKey,
} from '@ledgerlift/contracts';
import { noPasses, withCondition } from './folding.js';
import { completed, failed, reported, requested, started, stopped, withFailures } from './evolve-attempts.js';
import { resumeAfterFailure, resumeAfterSnapshotLost, resumeAfterSourceRan } from './resume-point.js';
import { afresh, resumed, toCleaning, toEnded, toPaused, toPlanned, toRunning, toWaiting } from './phases.js';
import {
  indexIn,
  isAtWork,
  isDecided,
  type CutoverState,
  type PendingRequest,
  type VmLive,
  type VmPlanned,
  type VmState,
} from './state.js';

/** Folds an event of a VM's stream into its state. Other events leave the state unchanged. */
export function evolveVm(state: VmState, event: DomainEvent, time = ''): VmState {
  if (event.type === 'VmMigrationPlanned') return planned(event, time);
  return state === undefined ? state : evolveLive(state, event, time);
}

/** The state after events that one decision yielded. */
export const foldLive = (state: VmLive, events: readonly DomainEvent[]): VmLive =>
  events.reduce((folded: VmLive, event) => evolveLive(folded, event, ''), state);

function planned({ data }: EventOf<'VmMigrationPlanned'>, time: string): VmPlanned {
  return {
    phase: 'planned',
    record: data.record,
    itinerary: data.itinerary,
    at: 0,
    round: 0,
    attempts: [],
    attemptsMade: 0,
    results: [],
    conversions: 0,
    passes: noPasses,
    checkpoints: {},
    ledger: {},
    adopted: {},
    conditions: [],
    cutover: {
      scheduled: undefined,
      isApproved: false,
      deferred: undefined,
      isWithdrawn: false,
      isReleased: false,
      pass: undefined,
    },
    testBoot: undefined,
    sourceRan: 0,
    snapshotsLost: 0,
    cancel: undefined,
    laterCleanups: 0,
    plannedAt: time,
    admittedAt: undefined,
    pause: undefined,
    precopy: undefined,
  };
}

export function evolveLive(state: VmLive, event: DomainEvent, time: string): VmLive {
  switch (event.type) {
    case 'VmMigrationAdmitted':
      return toRunning(state, { admittedAt: state.admittedAt ?? time });
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
    case 'RemovalSlotAwaited':
      return withPending(state, { after: 'removal-slot', request: event.data });
    case 'StepStarted':
      return started(state, event, time);
    case 'StepCheckpointed': {
      const named = event.data.checkpoints.map((each) => [each.diskId, bounded(each)] as const);
      const checkpoints = { ...state.checkpoints, ...Object.fromEntries(named) };
      return reported({ ...withFailures(state, 0, 0), checkpoints }, event.data.report);
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
      return withPending(state, { after: 'retry-delay', retry: event.data });
    case 'CancelRequested':
      return { ...state, cancel: event.data.reason };
    case 'RetryRequested':
      return retryRequested(state, event);
    case 'RollbackRequested':
      return isDecided(state) ? { ...state, rollback: event.data } : state;
    case 'CleanupRequested':
      return isDecided(state)
        ? {
            ...state,
            isTargetDeleted: state.isTargetDeleted || event.data.what === 'target',
            laterCleanups: state.laterCleanups + 1,
          }
        : state;
    case 'VmMigrationAbandoned':
      return isDecided(state) ? { ...state, isAbandoned: true } : state;
    case 'CleanupDecided':
      return toCleaning(state, event.data);
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

/** Drops the list of chunks that older versions wrote into checkpoints, because it may exceed the message size. */
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

/** Folds events of warm VMs, and of pauses and resumes. */
function evolvePasses(state: VmLive, event: DomainEvent): VmLive {
  switch (event.type) {
    case 'PrecopyScheduled':
      return toWaiting(state, undefined, {
        at: indexIn(state, 'precopy'),
        precopy: event.data,
        testBoot: undefined,
      });
    case 'PrecopyStarted':
      return toPlanned(state, { precopy: undefined, round: event.data.round });
    case 'CutoverScheduled':
      return {
        ...state,
        cutover: {
          ...state.cutover,
          scheduled: event.data,
          isApproved: event.data.windows === undefined && state.cutover.isApproved,
          deferred: undefined,
          isWithdrawn: false,
          pass: undefined,
        },
      };
    case 'CutoverDeferred': {
      const { dueAt, reason } = event.data;
      const { scheduled } = state.cutover;
      return beforeCutover(state, {
        scheduled: dueAt === undefined || scheduled === undefined ? undefined : { ...scheduled, dueAt },
        deferred: reason,
      });
    }
    case 'PowerOffDeferred':
      return toWaiting(state, event.data);
    case 'PowerOffDue':
      return toPlanned(state);
    case 'CutoverWithdrawn':
      return beforeCutover(state, {
        scheduled: undefined,
        deferred: undefined,
        isWithdrawn: event.data.next === 'command',
      });
    case 'CutoverPassDecided':
      return { ...state, cutover: { ...state.cutover, pass: event.data.pass } };
    case 'CutoverApproved':
      return { ...state, cutover: { ...state.cutover, isApproved: true } };
    case 'CutoverReleased':
      return { ...state, cutover: { ...state.cutover, isReleased: true } };
    case 'CutoverStarted':
      return cutoverStarted(state, event);
    case 'TestBootRequested':
      return toPlanned(state, { at: indexIn(state, 'test'), testBoot: event.data.reason });
    case 'TestBootEnded':
      // Also after a failed test boot: it delays nothing.
      return toRunning(state, { at: indexIn(state, 'precopy'), testBoot: undefined });
    case 'PauseRequested':
      return isDecided(state) ? state : { ...state, pause: event.data.reason };
    case 'VmMigrationPaused':
      return toPaused(state);
    case 'ResumeRequested':
      if (state.phase === 'paused') return resumed(state);
      return isDecided(state) ? state : { ...state, pause: undefined };
    case 'SourceRanMeanwhile':
      return {
        ...atWorkAfresh(resumeAfterSourceRan(stopped(state, event, ''))),
        sourceRan: state.sourceRan + 1,
      };
    case 'SnapshotLost':
      return {
        ...atWorkAfresh(resumeAfterSnapshotLost(stopped(state, event, ''))),
        snapshotsLost: state.snapshotsLost + 1,
      };
    default:
      return state;
  }
}

const withPending = (state: VmLive, pending: PendingRequest): VmLive =>
  isAtWork(state) ? { ...state, pending } : state;

const atWorkAfresh = (state: VmLive): VmLive => (isAtWork(state) ? { ...state, ...afresh } : state);

function cutoverStarted(state: VmLive, { data }: EventOf<'CutoverStarted'>): VmLive {
  const change = {
    at: indexIn(state, 'cutover'),
    round: data.round,
    precopy: undefined,
    cutover: { ...state.cutover, pass: undefined, deferred: undefined },
  };
  return state.phase === 'running' ? toRunning(state, change) : toPlanned(state, change);
}

/** The cutover is put off before its power-off: rounds continue. */
function beforeCutover(state: VmLive, cutover: Partial<CutoverState>): VmLive {
  const isInCutover = state.at >= indexIn(state, 'cutover');
  return {
    ...state,
    at: isInCutover ? indexIn(state, 'precopy') : state.at,
    cutover: { ...state.cutover, isApproved: false, pass: undefined, ...cutover },
  };
}

function retryRequested(state: VmLive, { data }: EventOf<'RetryRequested'>): VmLive {
  return toPlanned(resumeAfterFailure(state), {
    record: data.record ?? state.record,
    conditions: state.conditions.filter(({ type }) => type !== 'Failed'),
  });
}

/**
 * Skips a step of the itinerary, or gives up a step of the end. Giving up the target's stop also gives up the source's start
 * and the target's deletion.
 */
function passedOver(state: VmLive, { data: { step } }: EventOf<'StepPassedOver'>): VmLive {
  if (!isDecided(state)) return toRunning(state, { at: state.at + 1 });
  const { cleanup } = state;
  const rest = cleanup.steps
    .slice(1)
    .filter(
      (each) =>
        step !== 'TargetPowerOff' || (each.step !== 'SourcePowerOn' && each.step !== 'SourceRestoration'),
    );
  const mayRun = step === 'TargetPowerOff' && cleanup.later === 'target';
  const reason = 'the target could not be confirmed as stopped, so it was not deleted';
  const kept = mayRun ? cleanup.release.map((resource) => ({ resource, reason })) : [];
  return {
    ...state,
    ...(state.phase === 'cleaning' ? afresh : {}),
    isTargetDeleted: state.isTargetDeleted && !mayRun,
    cleanup: {
      ...cleanup,
      steps: rest,
      isIncomplete: true,
      release: mayRun ? [] : cleanup.release,
      keep: [...cleanup.keep, ...kept],
    },
  };
}

type EndOf = EventOf<
  'VmMigrationSucceeded' | 'VmMigrationFailed' | 'VmMigrationCanceled' | 'VmMigrationRolledBack'
>;

/** A VM that ends again after a later clean-up raises the same condition again. */
const isSame = (one: Condition, other: Condition): boolean =>
  one.type === other.type && one.reason === other.reason && one.message === other.message;

function ended(state: VmLive, phase: Outcome, event: EndOf, time: string): VmLive {
  if (!isDecided(state)) return state;
  const { condition, kept } = event.data;
  const others = state.conditions.filter((each) => !isSame(each, condition));
  return toEnded(state, phase, { kept, conditions: withCondition(others, condition), endedAt: time });
}
