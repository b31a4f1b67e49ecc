import type { LeaseAnswer } from '@ledgerlift/contracts';
import { RemoteError, messageOf } from '@ledgerlift/messaging';

export interface LeaseKeeperOptions {
  /** Asks the planner once. Throws if there is no answer within the timeout. */
  readonly ask: (timeoutMs: number) => Promise<LeaseAnswer>;
  readonly leaseMs: number;
  /** When the request that was granted was sent, by `performance.now()`. */
  readonly grantedAt: number;
  readonly onAnswer: (answer: LeaseAnswer) => void;
  /** The lease was not renewed in time and ends soon, so I/O must stop now. Called once. */
  readonly onLost: (why: string) => void;
}

/** The part of a lease after which it counts as lost. The rest is the time for I/O to stop. */
const USABLE = 0.8;

/**
 * Renews a lease after each third of its time, and retries sooner without an answer. A lease counts from the sending of the
 * request, so that it never ends later here than at the planner.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #leaseMs: number;
  #renewTimer: NodeJS.Timeout | undefined;
  #lostTimer: NodeJS.Timeout | undefined;
  #asking: Promise<LeaseAnswer | undefined> | undefined;
  #state: 'kept' | 'stopping' | 'lost' | 'closed' = 'kept';
  #lastFailure = 'nobody answered';

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs;
  }

  /** Begins to renew. A grant that took too long to arrive is lost at once. */
  start(): void {
    this.#armLost(this.#options.grantedAt);
    this.#armRenew(this.#leaseMs / 3);
  }

  get leaseMs(): number {
    return this.#leaseMs;
  }

  /**
   * The I/O has ended: from now on an unanswered lease does not count as lost, and only the report awaits
   * confirmation.
   */
  ioEnded(): void {
    if (this.#state === 'kept') this.#state = 'stopping';
    clearTimeout(this.#lostTimer);
  }

  /** Asks now, outside the regular times. @returns the answer, if any */
  async askNow(): Promise<LeaseAnswer | undefined> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#lostTimer);
  }

  async #ask(): Promise<LeaseAnswer | undefined> {
    const sentAt = performance.now();
    try {
      const answer = await this.#options.ask(this.#leaseMs / 4);
      if (this.#state === 'closed' || this.#state === 'lost') return undefined;
      this.#take(answer, sentAt);
      return answer;
    } catch (error) {
      this.#lastFailure = messageOf(error);
      // An error with a code shows that the planner is there, so asking faster does not help.
      this.#armRenew(this.#leaseMs / (error instanceof RemoteError ? 5 : 15));
      return undefined;
    }
  }

  #take(answer: LeaseAnswer, sentAt: number): void {
    if (answer.answer === 'stop') {
      if (this.#state === 'kept') this.#state = 'stopping';
      clearTimeout(this.#lostTimer);
    } else {
      this.#leaseMs = answer.leaseMs;
      if (this.#state === 'kept') this.#armLost(sentAt);
    }
    if (this.#isLost()) return;
    this.#armRenew(this.#leaseMs / 3);
    this.#options.onAnswer(answer);
  }

  #isLost(): boolean {
    return this.#state === 'lost';
  }

  #armRenew(wait: number): void {
    clearTimeout(this.#renewTimer);
    if (this.#state === 'closed' || this.#state === 'lost') return;
    this.#renewTimer = setTimeout(() => void this.askNow(), wait);
  }

  #armLost(since: number): void {
    clearTimeout(this.#lostTimer);
    const left = since + this.#leaseMs * USABLE - performance.now();
    if (left <= 0) {
      // The answer came too late (this process may have been suspended): another worker may have the attempt.
      this.#lose();
      return;
    }
    this.#lostTimer = setTimeout(() => this.#lose(), left);
  }

  #lose(): void {
    if (this.#state !== 'kept') return;
    this.#state = 'lost';
    clearTimeout(this.#renewTimer);
    this.#options.onLost(`not renewed within ${Math.round(this.#leaseMs * USABLE)} ms: ${this.#lastFailure}`);
  }
}
