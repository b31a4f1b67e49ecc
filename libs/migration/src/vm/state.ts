import type {
  Condition,
  DiskCheckpoint,
  EndingStep,
  EventOf,
  HookSpec,
  ItineraryPart,
  ItineraryStep,
  LaterCleanup,
  Outcome,
  Resource,
  ServiceName,
  StepError,
  StepName,
  StepResult,
  VmRecord,
} from '@ledgerlift/contracts';
import type { FoldedAttempts, PassTally } from './folding.js';

export type AttemptStatus = 'requested' | 'started' | 'completed' | 'failed' | 'stopped';

export interface AttemptState {
  /** Counts all attempts of the VM, from 0. */
  readonly number: number;
  readonly step: StepName;
  readonly attempt: number;
  /** Index in the itinerary. For clean-up and steps of the end: the VM's index at that time. */
  readonly at: number;
  readonly service: ServiceName;
  readonly site: string;
  readonly hook: string | undefined;
  readonly status: AttemptStatus;
  readonly worker: string | undefined;
  /** Number of this attempt's last report in the log. */
  readonly lastReport: number;
  readonly requestedAt: string;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly error: StepError | undefined;
  /** It ended without its effect, for example because the source had run. */
  readonly hadNoEffect: boolean;
  /** `Cleanup` only: the resources to release. */
  readonly release: readonly Resource[];
  /** Earlier attempts that are only counted. */
  readonly folded: FoldedAttempts;
}

export interface CleanupState {
  readonly outcome: Outcome;
  readonly cause: StepError | undefined;
  /** Steps that remain before resources are released. */
  readonly steps: readonly EndingStep[];
  /** Whether a step of the end was given up. */
  readonly isIncomplete: boolean;
  readonly release: readonly Resource[];
  readonly keep: readonly Kept[];
  /** Set if the clean-up was requested after the end; undefined for the clean-up of the end itself. */
  readonly later: LaterCleanup | undefined;
  /** Number of this clean-up's first attempt. Earlier clean-ups, before a retry, have lower ones. */
  readonly firstAttempt: number;
}

export interface Kept {
  readonly resource: Resource;
  readonly reason: string;
}

/** Facts about a VM that hold in every phase. */
export interface VmFacts {
  readonly record: VmRecord;
  readonly itinerary: readonly ItineraryStep[];
  /** Index in the itinerary of the current or next step. */
  readonly at: number;
  /** Number of the round: 0 is the initial copy. */
  readonly round: number;
  /**
   * The attempts that are still needed, oldest first (see `foldAttempts`). The last is the current one while it is open.
   */
  readonly attempts: readonly AttemptState[];
  /** Number of all attempts so far. */
  readonly attemptsMade: number;
  /** The results that are still needed, oldest first (see `withResult`). */
  readonly results: readonly StepResult[];
  /** Number of completed conversions. */
  readonly conversions: number;
  readonly passes: PassTally;
  readonly checkpoints: Readonly<Record<string, DiskCheckpoint>>;
  /** Resources claimed and not released, by resource key. */
  readonly ledger: Readonly<Record<string, Resource>>;
  /** Resources that existed before the migration, by resource key. */
  readonly adopted: Readonly<Record<string, Resource>>;
  readonly conditions: readonly Condition[];
  readonly cutover: CutoverState;
  /** Why a test boot was requested; undefined without one. */
  readonly testBoot: string | undefined;
  /** How often the source ran after its power-off. */
  readonly sourceRan: number;
  /** Snapshots lost since the last complete round. */
  readonly snapshotsLost: number;
  /** Why a cancel was requested; undefined without one. */
  readonly cancel: string | undefined;
  /** Number of clean-ups requested after the end. */
  readonly laterCleanups: number;
  readonly plannedAt: string;
  readonly admittedAt: string | undefined;
}

/** The cutover of a warm VM. Of any other VM, only `released` changes. */
export interface CutoverState {
  readonly scheduled: EventOf<'CutoverScheduled'>['data'] | undefined;
  /** A second person approved the current request. */
  readonly isApproved: boolean;
  /** Why it was last deferred. */
  readonly deferred: string | undefined;
  /** An operator withdrew it, so the plan's policy schedules no other. */
  readonly isWithdrawn: boolean;
  /** The plan's hooks at the cutover are done. */
  readonly isReleased: boolean;
  /** What was decided about the round that was running when the cutover came due. */
  readonly pass: 'finish' | 'break-off' | undefined;
}

/** A VM whose outcome is not decided. */
interface Undecided extends VmFacts {
  /** Why a pause was requested; undefined without one. */
  readonly pause: string | undefined;
  /** The next round, scheduled when one ends. During a test boot, the round for which the VM then waits again. */
  readonly precopy: EventOf<'PrecopyScheduled'>['data'] | undefined;
}

/** The step that a VM works on. */
export interface StepInHand {
  /** The request that follows without a report: at the due time of a retry, or with a removal slot. */
  readonly pending: PendingRequest | undefined;
  /** Transient failures (and below, lost workers) of the current step in a row without progress. */
  readonly failuresInARow: number;
  readonly lostInARow: number;
}

export type PendingRequest =
  | { readonly after: 'retry-delay'; readonly retry: EventOf<'RetryScheduled'>['data'] }
  | { readonly after: 'removal-slot'; readonly request: EventOf<'RemovalSlotAwaited'>['data'] };

/** Waits for a slot: at the start, for a round, for the cutover, after a retry or a pause. */
export interface VmPlanned extends Undecided {
  readonly phase: 'planned';
}

/** Holds a slot and follows its itinerary. */
export interface VmRunning extends Undecided, StepInHand {
  readonly phase: 'running';
}

/** Waits without a slot. */
export interface VmWaiting extends Undecided {
  readonly phase: 'waiting';
  /** A VM that is not warm: its deferred power-off. Undefined: waits for the next round or the cutover. */
  readonly powerOff: EventOf<'PowerOffDeferred'>['data'] | undefined;
}

/** An operator paused it, and no attempt is running. */
export interface VmPaused extends Undecided {
  readonly phase: 'paused';
  readonly pause: string;
  /** What it resumes as. */
  readonly from: Pick<VmPlanned, 'phase'> | Pick<VmWaiting, 'phase' | 'powerOff'>;
}

/** An earlier attempt may still be running, so an operator must decide how to continue. */
export interface VmHeld extends Undecided {
  readonly phase: 'held';
}

/** A VM whose outcome is decided. */
interface Decided extends VmFacts {
  readonly cleanup: CleanupState;
  /** Resources kept at the last end; empty before the first one. */
  readonly kept: readonly Kept[];
  readonly isAbandoned: boolean;
  /** An operator deleted a target that was allowed to start. */
  readonly isTargetDeleted: boolean;
  readonly rollback: EventOf<'RollbackRequested'>['data'] | undefined;
}

/** The steps of the end and the clean-up are running. */
export interface VmCleaning extends Decided, StepInHand {
  readonly phase: 'cleaning';
}

/** Only an operator moves such a VM again. */
export interface VmEnded extends Decided {
  readonly phase: Outcome;
  readonly endedAt: string;
}

/** The state of one VM's migration, by phase. */
export type VmLive = VmPlanned | VmRunning | VmWaiting | VmPaused | VmHeld | VmCleaning | VmEnded;
export type VmPhase = VmLive['phase'];

export type VmState = undefined | VmLive;
export const initialVmState: VmState = undefined;

export const isTerminal = (state: VmLive): state is VmEnded =>
  state.phase === 'succeeded' ||
  state.phase === 'failed' ||
  state.phase === 'canceled' ||
  state.phase === 'rolled-back';

/** Whether the outcome is decided. */
export const isDecided = (state: VmLive): state is VmCleaning | VmEnded =>
  state.phase === 'cleaning' || isTerminal(state);

/** Whether the VM works on a step. */
export const isAtWork = (state: VmLive): state is VmRunning | VmCleaning =>
  state.phase === 'running' || state.phase === 'cleaning';

/** Why a pause was requested; undefined without one. */
export const pauseOf = (state: VmLive): string | undefined => (isDecided(state) ? undefined : state.pause);

/** The round for which the VM waits, also during a test boot. */
export const precopyOf = (state: VmLive): Undecided['precopy'] =>
  isDecided(state) ? undefined : state.precopy;

/** The retry that waits for its due time. */
export const retryOf = (state: VmLive): EventOf<'RetryScheduled'>['data'] | undefined =>
  isAtWork(state) && state.pending?.after === 'retry-delay' ? state.pending.retry : undefined;

/** The request of a step that removes snapshots, until the VM is given a removal slot. */
export const awaitedRemovalOf = (state: VmLive): EventOf<'RemovalSlotAwaited'>['data'] | undefined =>
  isAtWork(state) && state.pending?.after === 'removal-slot' ? state.pending.request : undefined;

/** The outcome, once it is decided. */
export const cleanupOf = (state: VmLive): CleanupState | undefined =>
  isDecided(state) ? state.cleanup : undefined;

/** Whether an operator abandoned it: no retry will need what was kept for one. */
export const isAbandoned = (state: VmLive): boolean => isDecided(state) && state.isAbandoned;

/** Whether an operator deleted a target that was allowed to start. */
export const isTargetDeleted = (state: VmLive): boolean => isDecided(state) && state.isTargetDeleted;

/** Resources kept at the last end. */
export const keptOf = (state: VmLive): readonly Kept[] => (isDecided(state) ? state.kept : []);

/** The requested or started attempt, if any. */
export function openAttempt(state: VmLive): AttemptState | undefined {
  if (isTerminal(state)) return undefined;
  const last = state.attempts.at(-1);
  return last !== undefined && (last.status === 'requested' || last.status === 'started') ? last : undefined;
}

/** The number of the step's last attempt. Numbers only grow, also over rounds and operators' retries. */
export const attemptsOf = (state: VmFacts, step: StepName): number =>
  lastAttemptOf(state, step)?.attempt ?? 0;

/** The attempts of the current or last clean-up, with the steps of the end. */
export const attemptsOfEnd = (state: VmLive): readonly AttemptState[] =>
  isDecided(state) ? state.attempts.filter(({ number }) => number >= state.cleanup.firstAttempt) : [];

/** Index of the first step (or of the named step) of a part of the itinerary; -1 if there is none. */
export const indexIn = (
  { itinerary }: Pick<VmFacts, 'itinerary'>,
  part: ItineraryPart,
  step?: StepName,
): number => itinerary.findIndex((each) => each.part === part && (step === undefined || each.step === step));

export const partOf = ({ itinerary, at }: VmFacts): ItineraryPart => itinerary[at]?.part ?? 'main';

export const isWarm = (state: Pick<VmFacts, 'itinerary'>): boolean => indexIn(state, 'cutover') >= 0;

/** The settings of the hook that a step runs. */
export const hookOf = ({ record }: VmFacts, name: string | undefined): HookSpec | undefined =>
  name === undefined ? undefined : record.settings.hooks.find((hook) => hook.name === name);

/**
 * Attempts of `step` that started after `undoneBy` last completed, so their effect may stand. Of several of one kind, only
 * the newest.
 */
export function startedSince(state: VmFacts, step: StepName, undoneBy: StepName): readonly AttemptState[] {
  const undone = state.attempts.findLastIndex(
    (each) => each.step === undoneBy && each.status === 'completed',
  );
  return state.attempts
    .slice(undone + 1)
    .filter((each) => each.step === step && each.startedAt !== undefined);
}

type ResultOf<S extends StepName> = Extract<StepResult, { step: S }>;

/** The latest result of a step. */
export const lastResult = <S extends StepName>({ results }: VmFacts, step: S): ResultOf<S> | undefined =>
  results.findLast((result): result is ResultOf<S> => result.step === step);

/** The latest attempt of a step, however it ended. */
export const lastAttemptOf = (state: VmFacts, step: StepName): AttemptState | undefined =>
  state.attempts.findLast((attempt) => attempt.step === step);
