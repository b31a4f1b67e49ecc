import {
  type AttemptRef,
  type Condition,
  type DiskCheckpoint,
  type FailureClass,
  type Job,
  LedgerliftError,
  type Progress,
  type Release,
  type Resource,
  type StepError,
  type StepName,
  type StepOutcome,
  StepResult,
} from '@ledgerlift/contracts';
import { messageOf } from '@ledgerlift/messaging';

export type ProgressItem = Progress['items'][number];

/** Bytes a second; `undefined` means unlimited. */
export type BandwidthLimit = number | undefined;

/**
 * One attempt at one step, as its handler sees it: the facts from the log, and methods to report to the log. A handler first
 * looks at what earlier attempts left, then continues from there.
 */
export interface Attempt {
  readonly job: Job;
  readonly ref: AttemptRef;
  /**
   * Aborts when the I/O must stop: a stop was requested, the lease is about to end, or the process is shutting down.
   * `signal.reason` is a `StopReason`. A handler ends its I/O, waits until it has ended, and throws (`signal.throwIfAborted()`).
   */
  readonly signal: AbortSignal;
  /**
   * Claims resources that are about to be made. Resolves once the claim is in the log, so that nothing is made that the log
   * does not know. Skips resources that are already claimed.
   * @throws the abort reason if the attempt was stopped meanwhile
   */
  claim(resources: readonly Resource[]): Promise<void>;
  /** Reports existing resources that are used, and that we never remove. */
  adopt(resources: readonly Resource[]): Promise<void>;
  /** Reports that resources are gone (removed by us, or found absent). Resolves when the report is sent. */
  released(releases: readonly Release[]): Promise<void>;
  /** Reports flushed data, replacing the earlier checkpoint of each named disk. The caller limits the rate. */
  checkpoint(checkpoints: readonly DiskCheckpoint[]): Promise<void>;
  /** Raises a condition for users. It replaces an earlier one of the same type. */
  raise(condition: Condition): Promise<void>;
  /** Publishes progress for watchers, at most once a second (the last one wins). Never logged. */
  progress(items: readonly ProgressItem[], message: string): void;
  /** The present limit; it may change while the attempt runs. */
  readonly bandwidthLimit: BandwidthLimit;
  /** Calls back at each later change of the limit. @returns a function that unsubscribes */
  onBandwidthLimit(callback: (limit: BandwidthLimit) => void): () => void;
}

/**
 * The source ran after its power-off, so the copied data is out of date. Throw it in a handler to make the planner repeat the
 * power-off and all later steps.
 */
export class SourceRanMeanwhile extends LedgerliftError {
  readonly code = 'LL-STEP-SOURCE-RAN';
  override readonly outcome = 'source-ran';
  constructor(
    readonly vm: string,
    readonly observed: string,
  ) {
    super(`the source "${vm}" ran after it was powered off: ${observed}`);
  }
}

/**
 * Does one step. Returns the result for the log. A thrown `LedgerliftError` ends the attempt with its code and failure class;
 * any other error counts as transient.
 */
export type StepHandler = (attempt: Attempt) => Promise<StepResult>;

/** The steps that a service can do. */
export type StepHandlers = Partial<Readonly<Record<StepName, StepHandler>>>;

/** Runs the handler to its end and returns its outcome. Never throws. */
export async function outcomeOf(attempt: Attempt, handler: StepHandler): Promise<StepOutcome> {
  try {
    attempt.signal.throwIfAborted();
    const result = StepResult.safeParse(await handler(attempt));
    if (result.success && result.data.step === attempt.ref.step)
      return { kind: 'completed', result: result.data };
    return failed({
      code: 'LL-BUS-013',
      message: `the handler of ${attempt.ref.step} returned a result of another step; this is a bug in Ledgerlift`,
      class: 'permanent',
    });
  } catch (error) {
    // After a stop, any error of the I/O is a consequence of the stop.
    const cause: unknown = attempt.signal.aborted ? attempt.signal.reason : error;
    if (cause instanceof AttemptCanceled) return { kind: 'stopped', reason: cause.why };
    if (cause instanceof LedgerliftError && cause.outcome !== 'failed')
      return { kind: cause.outcome, reason: cause.message };
    return failed(toStepError(cause));
  }
}

/** Converts an error that ended a step: ours unchanged, others without their stack. */
export function toStepError(error: unknown): StepError {
  if (error instanceof LedgerliftError) {
    const effect = error.effect === 'none' ? { effect: error.effect } : {};
    return { ...error.details(), class: error.failure, ...effect };
  }
  return { code: 'LL-BUS-014', message: firstLine(messageOf(error)), class: 'transient' };
}

const failed = (error: StepError): StepOutcome => ({ kind: 'failed', error });

/** Messages of foreign errors may contain anything, even a password in a URL, which is removed. */
function firstLine(message: string): string {
  const [line = ''] = message.split('\n');
  return `unexpected: ${line.replace(/\/\/[^/@\s]*@/g, '//…@').slice(0, 500)}`;
}

/** Why an attempt's signal aborted; `signal.reason` is one of these. */
export type StopReason = AttemptCanceled | WorkerShutdown | LeaseLost;

/** The planner stopped the attempt: it was canceled, or another worker has it. */
export class AttemptCanceled extends LedgerliftError {
  readonly code = 'LL-STEP-CANCELED';
  constructor(readonly why: string) {
    super(`the attempt was stopped: ${why}`);
  }
}

/** This process is ending; another worker may continue at once. */
export class WorkerShutdown extends LedgerliftError {
  readonly code = 'LL-STEP-SHUTDOWN';
  override readonly failure: FailureClass = 'transient';
  constructor(readonly worker: string) {
    super(`the worker ${worker} was shut down; the step continues with another attempt`);
  }
}

/** The lease was not renewed in time, so another worker may soon have the attempt. Nothing is reported. */
export class LeaseLost extends LedgerliftError {
  readonly code = 'LL-STEP-LEASE-LOST';
  override readonly failure: FailureClass = 'transient';
  constructor(why: string) {
    super(`the lease was lost: ${why}`);
  }
}
