import {
  type AttemptRef,
  type Condition,
  type DiskCheckpoint,
  type Job,
  LedgerliftError,
  type Progress,
  type Release,
  type Resource,
  type StepName,
  type StepResult,
} from '@ledgerlift/contracts';

export type ProgressItem = Progress['items'][number];

/** Bytes a second; `undefined`: no limit. */
export type BandwidthLimit = number | undefined;

/**
 * One attempt at one step, as its handler sees it: what the log says, and the ways to tell the log what happened.
 * A handler first looks at what earlier attempts left, then goes on from there.
 */
export interface Attempt {
  readonly job: Job;
  readonly ref: AttemptRef;
  /**
   * Aborts when the I/O must stop: a stop was asked for, the lease is about to end, or the process shuts down.
   * `signal.reason` is a `StopReason`. A handler ends its I/O, sees it ended, and throws (`signal.throwIfAborted()`).
   */
  readonly signal: AbortSignal;
  /**
   * Tells the log that these are about to be made outside; returns only when it is in the log, so that nothing is
   * made that the log does not know. What is claimed already is skipped.
   * @throws the abort reason when the attempt was stopped meanwhile
   */
  claim(resources: readonly Resource[]): Promise<void>;
  /** Reports that these were there before us and are used: nobody of ours will ever remove them. */
  adopt(resources: readonly Resource[]): Promise<void>;
  /** Reports that resources are gone (removed by us, or found absent); resolves when it is sent. */
  released(releases: readonly Release[]): Promise<void>;
  /** Reports what was flushed, replacing the earlier checkpoint of each disk named. The caller keeps the rate sane. */
  checkpoint(checkpoints: readonly DiskCheckpoint[]): Promise<void>;
  /** Reports something that users should know of; a condition of a type that was raised before replaces it. */
  raise(condition: Condition): Promise<void>;
  /** Tells those who watch how far it is; at most once a second goes out (the last of a second wins), never logged. */
  progress(items: readonly ProgressItem[], message: string): void;
  /** The limit as of now; it may change while the attempt runs. */
  readonly bandwidthLimit: BandwidthLimit;
  /** Calls back at each change of the limit (not with the present one); returns the way to end that. */
  onBandwidthLimit(callback: (limit: BandwidthLimit) => void): () => void;
}

/**
 * The source ran after it was powered off: what was copied of it is not what it holds. A handler that throws it makes the
 * planner do the power-off, and all that follows from it, again.
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
 * Does one step. Returns what the log shall keep of it; throws a `LedgerliftError` whose code and failure class
 * end the attempt. Any other error counts as transient.
 */
export type StepHandler = (attempt: Attempt) => Promise<StepResult>;

/** A service names the steps it can do. */
export type StepHandlers = Partial<Readonly<Record<StepName, StepHandler>>>;
