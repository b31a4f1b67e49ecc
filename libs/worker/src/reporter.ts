import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent, Resource, StepOutcome } from '@ledgerlift/contracts';
import { type BusLogger, messageOf, type MessageTooLarge, RequestTimedOut } from '@ledgerlift/messaging';
import type { CumulativeReport } from './cumulative-report.js';
import type { LeaseKeeper } from './lease-keeper.js';
import type { PlannerClient } from './planner-client.js';

export interface ReporterOptions {
  readonly planner: PlannerClient;
  readonly report: CumulativeReport;
  readonly cause: CloudEvent;
  readonly installation: string;
  readonly logger: BusLogger;
}

const TRY = 3000;
/** Timeout of a direct report. Short, because until it is stored only this worker knows how the attempt ended. */
const TRY_AT_ONCE = 1000;
const RETRY = 300;
/** How often the planner may answer with an error before the error counts. */
const PATIENCE = 20;

/** Gets an attempt's reports into the log, and tracks what the log has confirmed. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * Sends one report. If it is lost, the next report repeats its facts, or it is sent again after a lease answer that does not
   * confirm it.
   * @throws MessageTooLarge, and nothing else
   */
  async say(change: (report: CumulativeReport) => void): Promise<void> {
    const { report, planner } = this.#options;
    change(report);
    const tooLarge = planner.tooLarge(report.current);
    if (tooLarge !== undefined) throw tooLarge;
    await this.#publish();
  }

  /** The planner has logged up to this number; later facts are sent again. */
  confirm(lastReport: number): void {
    const { report } = this.#options;
    report.confirm(lastReport);
    if (!report.isConfirmed) void this.#publish();
  }

  /**
   * Claims, and waits until that is in the log.
   * @returns the reason if the planner refused the claim; undefined if it is in the log
   * @throws MessageTooLarge; the signal's reason; the planner's error if it keeps answering with one
   */
  async claim(resources: readonly Resource[], signal: AbortSignal): Promise<string | undefined> {
    const { report, planner } = this.#options;
    const needed = report.claim(resources);
    const tooLarge = planner.tooLarge(report.current);
    if (tooLarge !== undefined) throw tooLarge;
    for (let failures = 0; !report.hasConfirmed(needed);) {
      signal.throwIfAborted();
      try {
        const answer = await planner.reportNow(report.current, TRY);
        if (answer.answer === 'refused') return answer.reason;
        report.confirm(answer.lastReport);
      } catch (error) {
        this.#warn(error, 'the planner does not answer a claim; asking again');
        if (!(error instanceof RequestTimedOut) && ++failures >= PATIENCE) throw error;
        await delay(RETRY, undefined, { signal }).catch(() => undefined);
      }
    }
    signal.throwIfAborted();
    return undefined;
  }

  /**
   * Reports the outcome, and repeats it until it is in the log, the planner refuses it, or `giveUp` aborts. If the report is too
   * large for a message, the attempt fails for that reason.
   */
  async end(outcome: StepOutcome, lease: LeaseKeeper, giveUp: AbortSignal): Promise<void> {
    const { report, planner, logger } = this.#options;
    report.end(outcome);
    const tooLarge = planner.tooLarge(report.current);
    if (tooLarge !== undefined) {
      this.#warn(tooLarge, 'an outcome is too large for a message; the attempt fails of it');
      report.endOnly(failedOf(tooLarge));
    }
    if ((await this.#sayNow()) === 'arrived') return;
    // REPORTS keeps it until there is a planner again.
    await this.#publish();
    let failures = 0;
    for (
      let wait = 50;
      !report.isConfirmed && !giveUp.aborted;
      wait = Math.min(wait * 2, lease.leaseMs / 3)
    ) {
      const answer = await lease.askNow();
      if (report.isConfirmed) return;
      // Asks again, whatever the lease says. A report that the planner was handling when it died comes back from REPORTS only after
      // its ack time. And if the lease answer is 'stop', the attempt may have ended: only asking tells whether the outcome counts.
      if (answer !== undefined) {
        try {
          const said = await planner.reportNow(report.current, TRY);
          if (said.answer === 'refused') {
            logger.info({ reason: said.reason }, 'the planner no longer needs the outcome of an attempt');
            return;
          }
          report.confirm(said.lastReport);
        } catch (error) {
          this.#warn(error, 'the outcome of an attempt is not confirmed yet');
          if (!(error instanceof RequestTimedOut) && ++failures >= PATIENCE) return;
        }
      }
      if (!report.isConfirmed) await delay(wait, undefined, { signal: giveUp }).catch(() => undefined);
    }
  }

  /** Reports by request, answered when the outcome is in the log. A stored report takes five times as many messages. */
  async #sayNow(): Promise<'arrived' | 'unanswered'> {
    const { report, planner, logger } = this.#options;
    try {
      const answer = await planner.reportNow(report.current, TRY_AT_ONCE);
      if (answer.answer === 'logged') {
        report.confirm(answer.lastReport);
        return report.isConfirmed ? 'arrived' : 'unanswered';
      }
      logger.info({ reason: answer.reason }, 'the planner no longer needs the outcome of an attempt');
      return 'arrived';
    } catch (error) {
      this.#warn(error, 'the planner did not confirm an outcome; storing it in NATS');
      return 'unanswered';
    }
  }

  async #publish(): Promise<void> {
    const { report, planner, cause, installation } = this.#options;
    try {
      await planner.report(report.current, cause, installation);
    } catch (error) {
      this.#warn(error, 'a report did not reach NATS; it is repeated');
    }
  }

  #warn(error: unknown, message: string): void {
    this.#options.logger.warn({ reason: messageOf(error) }, message);
  }
}

const failedOf = (error: MessageTooLarge): StepOutcome => ({
  kind: 'failed',
  error: { ...error.details(), class: error.failure },
});

/** Passes at most one value in each interval: the first at once, then the last of each interval. */
export class Throttle<T> {
  readonly #send: (value: T) => void;
  readonly #intervalMs: number;
  #waiting: { readonly value: T } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number, send: (value: T) => void) {
    this.#intervalMs = intervalMs;
    this.#send = send;
  }

  push(value: T): void {
    if (this.#timer !== undefined) {
      this.#waiting = { value };
      return;
    }
    this.#send(value);
    this.#timer = setTimeout(() => this.#tick(), this.#intervalMs);
  }

  /** Sends the waiting value, if any, and nothing afterwards. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting !== undefined) this.#send(this.#waiting.value);
    this.#waiting = undefined;
  }

  #tick(): void {
    this.#timer = undefined;
    const { value } = this.#waiting ?? {};
    if (this.#waiting === undefined || value === undefined) return;
    this.#waiting = undefined;
    this.push(value);
  }
}
