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
import type { FoldedAttempts } from './fold-attempts.js';
import type { PassTally } from './fold-results.js';

/**
 * Where one VM's migration stands.
 *
 * - `planned`: waits for a place (at the start, for a pass, for the cutover, after a retry or a pause);
 * - `running`: has a place and is on its itinerary; between attempts it waits for `retryAt`;
 * - `waiting`: warm, between two passes: for the next one, or for the cutover; has no place;
 * - `paused`: an operator paused it, and nothing of it is under way;
 * - `held`: nobody can show that an earlier attempt has ended, so an operator must say how it goes on;
 * - `cleaning`: the outcome is decided, and what belongs to the end is being done;
 * - `succeeded`, `failed`, `canceled`, `rolled-back`: at an end. Only an operator moves such a VM again.
 */
export type VmPhase =
  | 'planned'
  | 'running'
  | 'waiting'
  | 'paused'
  | 'held'
  | 'cleaning'
  | 'succeeded'
  | 'failed'
  | 'canceled'
  | 'rolled-back';

export type AttemptStatus = 'requested' | 'started' | 'completed' | 'failed' | 'stopped';

export interface AttemptState {
  /** Counts all attempts of the VM, from 0. */
  readonly number: number;
  readonly step: StepName;
  readonly attempt: number;
  /** Index in the itinerary of what it was asked for; of clean-up and the steps of the end, where the VM then stood. */
  readonly at: number;
  readonly service: ServiceName;
  readonly site: string;
  readonly hook: string | undefined;
  readonly status: AttemptStatus;
  readonly worker: string | undefined;
  /** Highest report of this attempt that is in the log. */
  readonly lastReport: number;
  readonly requestedAt: string;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly error: StepError | undefined;
  /** It ended before it did what it is for, because the source had run perhaps. */
  readonly hadNoEffect: boolean;
  /** `Cleanup` only: what the attempt is to release. */
  readonly release: readonly Resource[];
  /** Earlier attempts that are no longer kept one by one. */
  readonly folded: FoldedAttempts;
}

export interface CleanupState {
  readonly outcome: Outcome;
  readonly cause: StepError | undefined;
  /** What is still to be done before resources are released. */
  readonly steps: readonly EndingStep[];
  /** Whether a step of the end was given up. */
  readonly isIncomplete: boolean;
  readonly release: readonly Resource[];
  readonly keep: readonly Kept[];
  /** Asked for after the end; undefined: this clean-up belongs to the end itself. */
  readonly later: LaterCleanup | undefined;
  /** Number of this clean-up's first attempt: an operator's retry may have left earlier ones. */
  readonly firstAttempt: number;
}

export interface Kept {
  readonly resource: Resource;
  readonly reason: string;
}

export interface VmLive {
  readonly phase: VmPhase;
  readonly record: VmRecord;
  readonly itinerary: readonly ItineraryStep[];
  /** Index in the itinerary of the step that is under way or comes next. */
  readonly at: number;
  /** Number of the pass: 0 is the first, which copies all. */
  readonly round: number;
  /**
   * The attempts that may still be asked for, oldest first (see `foldAttempts`); the last is the current one while its
   * status is open.
   */
  readonly attempts: readonly AttemptState[];
  /** How many attempts there were. */
  readonly attemptsMade: number;
  /** Removes snapshots, and is asked for when the VM has its turn. */
  readonly turn: EventOf<'RemovalTurnAwaited'>['data'] | undefined;
  readonly retryAt: { readonly step: StepName; readonly attempt: number; readonly dueAt: string } | undefined;
  /** Transient failures, and lost workers, of the current step in a row without new progress. */
  readonly failuresInARow: number;
  readonly lostInARow: number;
  /** Results that may still be asked for, oldest first (see `withResult`). */
  readonly results: readonly StepResult[];
  /** How many conversions were completed. */
  readonly conversions: number;
  readonly passes: PassTally;
  readonly checkpoints: Readonly<Record<string, DiskCheckpoint>>;
  /** Claimed and not released, by resource key. */
  readonly ledger: Readonly<Record<string, Resource>>;
  /** Was there before us, by resource key. */
  readonly adopted: Readonly<Record<string, Resource>>;
  readonly conditions: readonly Condition[];
  /** The pass that comes next, once one is over. */
  readonly precopy: EventOf<'PrecopyScheduled'>['data'] | undefined;
  readonly cutover: EventOf<'CutoverScheduled'>['data'] | undefined;
  /** A second person approved this very request. */
  readonly cutoverApproved: boolean;
  /** Why the cutover was put off when it was last due. */
  readonly cutoverDeferred: string | undefined;
  /** Not warm: its power-off waits until then. */
  readonly powerOffAt: string | undefined;
  /** An operator withdrew it: the plan's policy schedules no other. */
  readonly cutoverWithdrawn: boolean;
  /** The plan's hooks at the cutover are done. */
  readonly cutoverReleased: boolean;
  /** What was decided about the pass that was under way when the cutover came due. */
  readonly passAtCutover: 'finish' | 'break-off' | undefined;
  /** Why a test boot is under way. */
  readonly testBoot: string | undefined;
  /** Why it is to be paused, or is. */
  readonly pause: string | undefined;
  /** The phase to which a resume leads back. */
  readonly pausedFrom: VmPhase | undefined;
  /** How often the source ran although it had been powered off. */
  readonly sourceRan: number;
  /** How many snapshots were lost since a pass was complete. */
  readonly snapshotsLost: number;
  readonly cancel: string | undefined;
  readonly abandoned: boolean;
  /** The operator had a target deleted that was allowed to start. */
  readonly targetDeleted: boolean;
  /** How many clean-ups were asked for after the end. */
  readonly laterCleanups: number;
  readonly rollback: EventOf<'RollbackRequested'>['data'] | undefined;
  readonly cleanup: CleanupState | undefined;
  readonly kept: readonly Kept[];
  readonly plannedAt: string;
  readonly admittedAt: string | undefined;
  readonly endedAt: string | undefined;
}

export type VmState = undefined | VmLive;
export const initialVmState: VmState = undefined;

export const isTerminal = ({ phase }: VmLive): boolean =>
  phase === 'succeeded' || phase === 'failed' || phase === 'canceled' || phase === 'rolled-back';

/** The attempt that is asked for or under way, if there is one. */
export function openAttempt(state: VmLive): AttemptState | undefined {
  if (isTerminal(state)) return undefined;
  const last = state.attempts.at(-1);
  return last !== undefined && (last.status === 'requested' || last.status === 'started') ? last : undefined;
}

/** How many attempts the step has had: their numbers only grow, over rounds and retries by the operator too. */
export const attemptsOf = (state: VmLive, step: StepName): number => lastAttemptOf(state, step)?.attempt ?? 0;

/** The attempts of the clean-up that is under way, or was the last. */
export const attemptsOfEnd = ({ attempts, cleanup }: VmLive): readonly AttemptState[] =>
  cleanup === undefined ? [] : attempts.filter(({ number }) => number >= cleanup.firstAttempt);

/** Index of the first step of a part of the itinerary; of a step in it, where one is named. -1: there is none. */
export const indexIn = (
  { itinerary }: Pick<VmLive, 'itinerary'>,
  part: ItineraryPart,
  step?: StepName,
): number => itinerary.findIndex((each) => each.part === part && (step === undefined || each.step === step));

export const partOf = ({ itinerary, at }: VmLive): ItineraryPart => itinerary[at]?.part ?? 'main';

export const isWarm = (state: Pick<VmLive, 'itinerary'>): boolean => indexIn(state, 'cutover') >= 0;

/** The hook of the plan that a step runs. */
export const hookOf = ({ record }: VmLive, name: string | undefined): HookSpec | undefined =>
  name === undefined ? undefined : record.settings.hooks.find((hook) => hook.name === name);

/**
 * Attempts that were begun, and may have had their effect, since another step took it back. Of many, only the newest of
 * each kind.
 */
export function startedSince(state: VmLive, step: StepName, undoneBy: StepName): readonly AttemptState[] {
  const undone = state.attempts.findLastIndex(
    (each) => each.step === undoneBy && each.status === 'completed',
  );
  return state.attempts
    .slice(undone + 1)
    .filter((each) => each.step === step && each.startedAt !== undefined);
}

type ResultOf<S extends StepName> = Extract<StepResult, { step: S }>;

/** The latest result of a step. */
export const lastResult = <S extends StepName>({ results }: VmLive, step: S): ResultOf<S> | undefined =>
  results.findLast((result): result is ResultOf<S> => result.step === step);

/** The latest attempt of a step, however it ended. */
export const lastAttemptOf = (state: VmLive, step: StepName): AttemptState | undefined =>
  state.attempts.findLast((attempt) => attempt.step === step);
