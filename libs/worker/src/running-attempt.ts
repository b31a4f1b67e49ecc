import {
  type AttemptRef,
  type CloudEvent,
  type Condition,
  type DiskCheckpoint,
  type Job,
  type LeaseAnswer,
  type Release,
  type Resource,
  StopMessage,
  subjects,
} from '@ledgerlift/contracts';
import { type BusLogger, messageOf } from '@ledgerlift/messaging';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import {
  type Attempt,
  AttemptCanceled,
  type BandwidthLimit,
  LeaseLost,
  outcomeOf,
  type ProgressItem,
  type StepHandler,
  type StopReason,
} from './attempt.js';
import { CumulativeReport } from './cumulative-report.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { PlannerClient } from './planner-client.js';
import { Reporter, Throttle } from './reporter.js';

export interface Granted {
  readonly job: Job;
  readonly leaseMs: number;
  readonly lastReport: number;
  readonly bandwidthLimit?: number | undefined;
  /** When the claim was sent, by `performance.now()`. */
  readonly sentAt: number;
}

export interface RunningAttemptOptions {
  readonly nc: NatsConnection;
  readonly planner: PlannerClient;
  readonly ref: AttemptRef;
  readonly granted: Granted;
  /** The StepRequested event of the attempt. */
  readonly cause: CloudEvent;
  readonly logger: BusLogger;
  /** Called if the handler is still running after the time to stop. */
  readonly onUnstoppable: (message: string) => void;
}

/** How long a handler may take to stop if the planner knows that it is stopping. */
const STOP_PATIENCE = 30_000;
const PROGRESS_INTERVAL = 1000;

/** One claimed attempt, from the grant to the confirmed outcome. */
export class RunningAttempt implements Attempt {
  readonly ref: AttemptRef;
  readonly job: Job;
  readonly #options: RunningAttemptOptions;
  readonly #controller = new AbortController();
  readonly #reporter: Reporter;
  readonly #lease: LeaseKeeper;
  readonly #progress: Throttle<{ readonly items: readonly ProgressItem[]; readonly message: string }>;
  readonly #limitCallbacks = new Set<(limit: BandwidthLimit) => void>();
  readonly #stopMessages: Subscription;
  #limit: BandwidthLimit;
  #patience: NodeJS.Timeout | undefined;

  constructor(options: RunningAttemptOptions) {
    const { nc, planner, ref, granted, cause, logger } = options;
    this.#options = options;
    this.ref = ref;
    this.job = granted.job;
    this.#limit = granted.bandwidthLimit ?? granted.job.record.settings.bandwidthLimit;
    const report = new CumulativeReport(ref, granted.lastReport, granted.job.ledger);
    this.#reporter = new Reporter({
      planner,
      report,
      cause,
      installation: granted.job.record.installation,
      logger,
    });
    this.#lease = new LeaseKeeper({
      ask: (timeoutMs) => planner.lease(ref, timeoutMs),
      leaseMs: granted.leaseMs,
      grantedAt: granted.sentAt,
      onAnswer: (answer) => this.#onLease(answer),
      onLost: (why) => this.stop(new LeaseLost(why)),
    });
    this.#progress = new Throttle(PROGRESS_INTERVAL, ({ items, message }) =>
      planner.progress({ ref, items: [...items], message, at: new Date().toISOString() }),
    );
    this.#stopMessages = nc.subscribe(subjects.stop(ref.stream), {
      callback: (error, message) => {
        if (error === null) this.#onStopMessage(message.data);
      },
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get bandwidthLimit(): BandwidthLimit {
    return this.#limit;
  }

  onBandwidthLimit(callback: (limit: BandwidthLimit) => void): () => void {
    this.#limitCallbacks.add(callback);
    return () => this.#limitCallbacks.delete(callback);
  }

  async claim(resources: readonly Resource[]): Promise<void> {
    this.signal.throwIfAborted();
    const refused = await this.#reporter.claim(resources, this.signal);
    if (refused === undefined) return;
    this.stop(new AttemptCanceled(refused));
    this.signal.throwIfAborted();
  }

  async adopt(resources: readonly Resource[]): Promise<void> {
    if (resources.length > 0) await this.#say((report) => report.adopt(resources));
  }

  async released(releases: readonly Release[]): Promise<void> {
    if (releases.length > 0) await this.#say((report) => report.release(releases));
  }

  async checkpoint(checkpoints: readonly DiskCheckpoint[]): Promise<void> {
    if (checkpoints.length > 0) await this.#say((report) => report.checkpoint(checkpoints));
  }

  async raise(condition: Condition): Promise<void> {
    await this.#say((report) => report.raise(condition));
  }

  progress(items: readonly ProgressItem[], message: string): void {
    if (!this.#isLost) this.#progress.push({ items, message });
  }

  /** Stops the handler's I/O. Only the first reason counts. */
  stop(reason: StopReason): void {
    if (this.signal.aborted) return;
    const { logger, granted, onUnstoppable } = this.#options;
    logger.warn({ ...this.#log, code: reason.code, reason: reason.message }, 'stopping an attempt');
    // A lost lease ends within the fifth of its time that is left. Otherwise the planner knows that we are stopping.
    const patience =
      reason instanceof LeaseLost ? this.#lease.leaseMs / 5 : Math.max(granted.leaseMs, STOP_PATIENCE);
    this.#patience = setTimeout(() => {
      onUnstoppable(`${this.#name} still runs although it had to stop: ${reason.message}`);
    }, patience);
    this.#controller.abort(reason);
  }

  /**
   * Runs the handler, then reports its outcome until it is in the log. Never throws.
   * @param giveUp aborts when the process can no longer wait for the confirmation
   */
  async run(handler: StepHandler, giveUp: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    logger.info(this.#log, 'an attempt begins');
    this.#lease.start();
    try {
      const outcome = await outcomeOf(this, handler);
      clearTimeout(this.#patience);
      this.#progress.close();
      if (this.#isLost) {
        logger.warn(this.#log, 'an attempt ended after its lease was lost; nothing is reported');
        return;
      }
      this.#lease.ioEnded();
      const code =
        outcome.kind === 'failed' ? { code: outcome.error.code, reason: outcome.error.message } : {};
      logger.info({ ...this.#log, outcome: outcome.kind, ...code }, 'an attempt ended');
      await this.#reporter.end(outcome, this.#lease, giveUp);
    } catch (error) {
      logger.error(
        { ...this.#log, reason: messageOf(error) },
        'the outcome of an attempt could not be reported',
      );
    } finally {
      clearTimeout(this.#patience);
      this.#lease.close();
      this.#stopMessages.unsubscribe();
    }
  }

  get #isLost(): boolean {
    return this.signal.reason instanceof LeaseLost;
  }

  get #name(): string {
    return `attempt ${this.ref.attempt} of ${this.ref.step} of ${this.ref.stream}`;
  }

  get #log(): object {
    return { stream: this.ref.stream, step: this.ref.step, attempt: this.ref.attempt };
  }

  async #say(change: (report: CumulativeReport) => void): Promise<void> {
    // Reports nothing without a lease, because another worker may have the attempt by now.
    if (!this.#isLost) await this.#reporter.say(change);
  }

  #onLease(answer: LeaseAnswer): void {
    this.#reporter.confirm(answer.lastReport);
    if (answer.answer === 'stop') {
      this.stop(new AttemptCanceled(answer.reason));
      return;
    }
    const limit = answer.bandwidthLimit ?? this.job.record.settings.bandwidthLimit;
    if (limit === this.#limit) return;
    this.#limit = limit;
    for (const callback of this.#limitCallbacks) callback(limit);
  }

  #onStopMessage(bytes: Uint8Array): void {
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return;
    }
    const parsed = StopMessage.safeParse(json);
    // An unreadable message is ignored: the next lease answer says the same.
    if (parsed.success) this.stop(new AttemptCanceled(parsed.data.reason));
  }
}
