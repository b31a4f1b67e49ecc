import type {
  Condition,
  DiskCheckpoint,
  ItineraryStep,
  Outcome,
  Resource,
  StepError,
  StepName,
  StepResult,
  ServiceName,
  VmRecord,
} from '@ledgerlift/contracts';

/**
 * Where one VM's migration stands.
 *
 * - `planned`: recorded, waits for a place (also again after an operator's retry);
 * - `running`: on its itinerary; between attempts it waits for `retryAt`;
 * - `held`: nobody can show that an earlier attempt has ended, so an operator must say how it goes on;
 * - `cleaning`: the outcome is decided, and what the policy says is being released;
 * - `succeeded`, `failed`, `canceled`: at an end. Only an operator's retry moves a failed VM again.
 */
export type VmPhase = 'planned' | 'running' | 'held' | 'cleaning' | 'succeeded' | 'failed' | 'canceled';

export type AttemptStatus = 'requested' | 'started' | 'completed' | 'failed';

export interface AttemptState {
  readonly step: StepName;
  readonly attempt: number;
  readonly service: ServiceName;
  readonly site: string;
  readonly status: AttemptStatus;
  readonly worker: string | undefined;
  /** Highest report of this attempt that is in the log. */
  readonly lastReport: number;
  readonly requestedAt: string;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly error: StepError | undefined;
  /** `Cleanup` only: what the attempt is to release. */
  readonly release: readonly Resource[];
}

export interface CleanupState {
  readonly outcome: Outcome;
  readonly cause: StepError | undefined;
  readonly release: readonly Resource[];
  readonly keep: readonly Kept[];
  /** Index of this clean-up's first attempt: an operator's retry may have left earlier ones. */
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
  /** Every attempt there was, oldest first; the last is the current one while its status is open. */
  readonly attempts: readonly AttemptState[];
  readonly retryAt: { readonly step: StepName; readonly attempt: number; readonly dueAt: string } | undefined;
  /** Transient failures, and lost workers, of the current step in a row without new progress. */
  readonly failuresInARow: number;
  readonly lostInARow: number;
  readonly results: readonly StepResult[];
  readonly checkpoints: Readonly<Record<string, DiskCheckpoint>>;
  /** Claimed and not released, by resource key. */
  readonly ledger: Readonly<Record<string, Resource>>;
  readonly conditions: readonly Condition[];
  readonly cancel: string | undefined;
  readonly abandoned: boolean;
  readonly cleanup: CleanupState | undefined;
  readonly kept: readonly Kept[];
  readonly plannedAt: string;
  readonly admittedAt: string | undefined;
  readonly endedAt: string | undefined;
}

export type VmState = undefined | VmLive;
export const initialVmState: VmState = undefined;

export const isTerminal = (state: VmLive): boolean =>
  state.phase === 'succeeded' || state.phase === 'failed' || state.phase === 'canceled';

/** The attempt that is asked for or under way, if there is one. */
export function openAttempt(state: VmLive): AttemptState | undefined {
  if (isTerminal(state)) return undefined;
  const last = state.attempts.at(-1);
  return last !== undefined && (last.status === 'requested' || last.status === 'started') ? last : undefined;
}

/** How many attempts the step has had: their numbers only grow, over retries by the operator too. */
export const attemptsOf = (state: VmLive, step: StepName): number =>
  state.attempts.filter((attempt) => attempt.step === step).length;
