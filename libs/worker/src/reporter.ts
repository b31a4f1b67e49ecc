import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent, Resource, StepOutcome } from '@ledgerlift/contracts';
import { type BusLogger, type MessageTooLarge, RequestTimedOut, messageOf } from '@ledgerlift/messaging';
import type { LeaseKeeper } from './lease-keeper.js';
import type { PlannerClient } from './planner-client.js';
import type { ReportBook } from './report-book.js';

export interface ReporterOptions {
  readonly planner: PlannerClient;
  readonly book: ReportBook;
  readonly cause: CloudEvent;
  readonly installation: string;
  readonly logger: BusLogger;
}

const TRY = 3000;
/** Short: until then nobody but this worker knows how the attempt ended. */
const TRY_AT_ONCE = 1000;
const RETRY = 300;
/** How often a planner may answer with an error before it is taken at its word. */
const PATIENCE = 20;

/** Gets what an attempt says into the log, and knows what has arrived there. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * Reports once; what does not arrive is said again by the next report, or repeated after a lease answer that
   * does not confirm it.
   * @throws MessageTooLarge where no message takes what is to be said; nothing else
   */
  async say(change: (book: ReportBook) => void): Promise<void> {
    const { book, planner } = this.#options;
    change(book);
    const tooLarge = planner.tooLarge(book.current);
    if (tooLarge !== undefined) throw tooLarge;
    await this.#publish();
  }

  /** The planner has logged up to this number; what is newer is sent again. */
  confirm(lastReport: number): void {
    const { book } = this.#options;
    book.confirm(lastReport);
    if (!book.isConfirmed) void this.#publish();
  }

  /**
   * Claims, and waits until that is in the log.
   * @returns undefined when it is; the reason when the planner refused it
   * @throws MessageTooLarge; the signal's reason; what the planner answers if it keeps answering with an error
   */
  async claim(resources: readonly Resource[], signal: AbortSignal): Promise<string | undefined> {
    const { book, planner } = this.#options;
    const needed = book.claim(resources);
    const tooLarge = planner.tooLarge(book.current);
    if (tooLarge !== undefined) throw tooLarge;
    for (let failures = 0; !book.hasConfirmed(needed);) {
      signal.throwIfAborted();
      try {
        const answer = await planner.reportNow(book.current, TRY);
        if (answer.answer === 'refused') return answer.reason;
        book.confirm(answer.lastReport);
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
   * Reports how the attempt ended, and repeats it until it is in the log, the planner refuses it, or `giveUp`. Where no
   * message takes the report, the attempt has failed of that.
   */
  async end(outcome: StepOutcome, lease: LeaseKeeper, giveUp: AbortSignal): Promise<void> {
    const { book, planner, logger } = this.#options;
    book.end(outcome);
    const tooLarge = planner.tooLarge(book.current);
    if (tooLarge !== undefined) {
      this.#warn(tooLarge, 'an outcome is too large for a message; the attempt fails of it');
      book.endOnly(failedOf(tooLarge));
    }
    if ((await this.#sayNow()) === 'arrived') return;
    // Kept by REPORTS until there is a planner again.
    await this.#publish();
    let failures = 0;
    for (let wait = 50; !book.isConfirmed && !giveUp.aborted; wait = Math.min(wait * 2, lease.leaseMs / 3)) {
      const answer = await lease.askNow();
      if (book.isConfirmed) return;
      // Asked again, whatever the lease says: what the planner was taking when it died comes back to it from REPORTS only
      // when its time to be acked is over; and to who answers 'stop' the attempt may be over, and only asking tells whether the outcome
      // is still taken.
      if (answer !== undefined) {
        try {
          const said = await planner.reportNow(book.current, TRY);
          if (said.answer === 'refused') {
            logger.info({ reason: said.reason }, 'the outcome of an attempt is not wanted any more');
            return;
          }
          book.confirm(said.lastReport);
        } catch (error) {
          this.#warn(error, 'the outcome of an attempt is not confirmed yet');
          if (!(error instanceof RequestTimedOut) && ++failures >= PATIENCE) return;
        }
      }
      if (!book.isConfirmed) await delay(wait, undefined, { signal: giveUp }).catch(() => undefined);
    }
  }

  /** By request, answered when it is in the log: a stored report takes five times as many messages to be known there. */
  async #sayNow(): Promise<'arrived' | 'unanswered'> {
    const { book, planner, logger } = this.#options;
    try {
      const answer = await planner.reportNow(book.current, TRY_AT_ONCE);
      if (answer.answer === 'logged') {
        book.confirm(answer.lastReport);
        return book.isConfirmed ? 'arrived' : 'unanswered';
      }
      logger.info({ reason: answer.reason }, 'the outcome of an attempt is not wanted any more');
      return 'arrived';
    } catch (error) {
      this.#warn(error, 'the planner does not answer an outcome; it is stored for it');
      return 'unanswered';
    }
  }

  async #publish(): Promise<void> {
    const { book, planner, cause, installation } = this.#options;
    try {
      await planner.report(book.current, cause, installation);
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
