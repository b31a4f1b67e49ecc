import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptRef, CloudEvent, ServiceName, StepName, StepRequestedData } from '@ledgerlift/contracts';
import {
  type BusLogger,
  messageOf,
  PoisonMessage,
  type Received,
  RemoteError,
  RequestTimedOut,
} from '@ledgerlift/messaging';
import type { NatsConnection } from '@nats-io/nats-core';
import { type StepHandler, type StepHandlers, WorkerShutdown } from './attempt.js';
import { PlannerClient } from './planner-client.js';
import { type Granted, RunningAttempt } from './running-attempt.js';

export interface StepRunnerOptions {
  readonly nc: NatsConnection;
  readonly service: ServiceName;
  readonly site: string;
  /** One process: `{service}/{host}/{start id}`. */
  readonly workerId: string;
  /** How many attempts run at once. */
  readonly slots: number;
  readonly handlers: StepHandlers;
  readonly logger: BusLogger;
  /** Called if a handler keeps running after its lease ended. End the process, because the I/O must stop. */
  readonly onUnstoppable?: (message: string) => void;
}

/** How long one request for a claim waits for its answer. */
const CLAIM_TRY = 5000;
const CLAIM_RETRY = 500;
/** How many ended attempts are remembered, so that a late duplicate of their request starts nothing. */
const REMEMBERED = 10_000;

/**
 * Runs the requested steps in one worker process: claims each attempt before it touches anything, runs the handler under the
 * lease, and reports. The service's StepRequested consumer calls `handle` for each message, and waits for `ready` before each pull.
 */
export class StepRunner {
  readonly #options: StepRunnerOptions;
  readonly #planner: PlannerClient;
  readonly #running = new Map<string, RunningAttempt>();
  readonly #runs = new Set<Promise<void>>();
  readonly #claiming = new Map<string, Promise<void>>();
  readonly #over = new Set<string>();
  readonly #closing = new AbortController();
  readonly #giveUp = new AbortController();
  #slotWaiters: (() => void)[] = [];

  constructor(options: StepRunnerOptions) {
    this.#options = options;
    this.#planner = new PlannerClient(options.nc);
  }

  /** The running attempts. */
  get running(): readonly AttemptRef[] {
    return [...this.#running.values()].map(({ ref }) => ref);
  }

  /**
   * Resolves when one more message may be pulled; never after a shutdown has begun.
   * @param pulled number of messages pulled but not acked, each of which may need a slot
   */
  async ready(pulled = 0): Promise<void> {
    while (this.#closing.signal.aborted || this.#running.size + pulled >= this.#options.slots) {
      await new Promise<void>((resolve) => this.#slotWaiters.push(resolve));
    }
  }

  /**
   * Takes one request. Resolves when it is claimed (and the work runs on its own) or is not ours, so that the message may be
   * acked. Keeps asking while the planner is away.
   * @throws WorkerShutdown if the process ends before an answer, which leaves the message to another worker; PoisonMessage if
   *   this service can never do the step; the planner's refusal
   */
  async handle({ event, data }: Received<StepRequestedData>): Promise<void> {
    const ref: AttemptRef = {
      stream: event.subject,
      step: data.step,
      attempt: data.attempt,
      worker: this.#options.workerId,
    };
    const key = `${ref.stream}/${ref.step}/${ref.attempt}`;
    // A duplicate of a request that was begun here.
    if (this.#running.has(key) || this.#over.has(key)) return;
    const claim = this.#claiming.get(key) ?? this.#begin(key, ref, event);
    this.#claiming.set(key, claim);
    try {
      await claim;
    } finally {
      this.#claiming.delete(key);
    }
  }

  /**
   * Takes no more requests and stops running attempts, so that the planner can give them to other workers at once.
   * @param graceMs how long to wait for handlers and for the confirmation of their outcomes
   */
  async shutdown(graceMs = 8000): Promise<void> {
    const reason = new WorkerShutdown(this.#options.workerId);
    this.#closing.abort(reason);
    for (const attempt of this.#running.values()) attempt.stop(reason);
    const grace = new AbortController();
    const runs = Promise.all(this.#runs).then(() => 'ended' as const);
    const ended = await Promise.race([
      runs,
      delay(graceMs, 'late' as const, { signal: grace.signal }).catch(() => 'late' as const),
    ]);
    grace.abort();
    this.#giveUp.abort();
    if (ended === 'late') {
      this.#options.logger.warn({ attempts: this.running }, 'shutting down with attempts still running');
    }
  }

  async #begin(key: string, ref: AttemptRef, cause: CloudEvent): Promise<void> {
    const { logger, nc, onUnstoppable } = this.#options;
    const handler = this.#handlerOf(ref.step);
    const granted = await this.#claim(ref);
    if (granted === undefined) return;
    const attempt = new RunningAttempt({
      nc,
      planner: this.#planner,
      ref,
      granted,
      cause,
      logger,
      onUnstoppable: (message) => {
        logger.error({ stream: ref.stream, step: ref.step, attempt: ref.attempt }, message);
        onUnstoppable?.(message);
      },
    });
    this.#running.set(key, attempt);
    // Claimed during the shutdown: it still ends with an outcome.
    if (this.#closing.signal.aborted) attempt.stop(new WorkerShutdown(ref.worker));
    const run = attempt.run(handler, this.#giveUp.signal).finally(() => {
      this.#running.delete(key);
      this.#runs.delete(run);
      this.#remember(key);
      this.#wake();
    });
    this.#runs.add(run);
  }

  #handlerOf(step: StepName): StepHandler {
    const handler = this.#options.handlers[step];
    if (handler !== undefined) return handler;
    throw new PoisonMessage(
      'LL-BUS-004',
      `the service ${this.#options.service} at site ${this.#options.site} has no handler for the step ${step}; ` +
        'the itinerary names the wrong service',
    );
  }

  async #claim(ref: AttemptRef): Promise<Granted | undefined> {
    const { logger } = this.#options;
    const { signal } = this.#closing;
    const log = { stream: ref.stream, step: ref.step, attempt: ref.attempt };
    for (;;) {
      signal.throwIfAborted();
      const sentAt = performance.now();
      try {
        const answer = await this.#planner.claim(ref, CLAIM_TRY, signal);
        if (answer.answer === 'granted') return { ...answer, sentAt };
        logger.info({ ...log, reason: answer.reason }, 'a claim was refused');
        return undefined;
      } catch (error) {
        if (error instanceof RemoteError && error.code === 'LL-BUS-006') {
          await this.#failUnread(ref, error);
          return undefined;
        }
        if (!(error instanceof RequestTimedOut)) throw error;
        logger.debug(
          { ...log, reason: messageOf(error) },
          'the planner does not answer a claim; asking again',
        );
      }
      await delay(CLAIM_RETRY, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Fails an attempt whose claim is in the log but whose answer is too large to be sent. An operator must act.
   * @throws RequestTimedOut, after which the request is delivered again
   */
  async #failUnread(ref: AttemptRef, { code, message }: RemoteError): Promise<void> {
    const error = { code, message, class: 'needs-operator' } as const;
    const nothing = { claimed: [], released: [], conditions: [], checkpoints: [] };
    const report = { ref, number: 1, ...nothing, outcome: { kind: 'failed', error } } as const;
    await this.#planner.reportNow(report, CLAIM_TRY);
    this.#options.logger.error({ ...ref, code, reason: message }, 'an attempt failed: its job is too large');
  }

  #remember(key: string): void {
    this.#over.add(key);
    const [oldest] = this.#over;
    if (this.#over.size > REMEMBERED && oldest !== undefined) this.#over.delete(oldest);
  }

  #wake(): void {
    const waiters = this.#slotWaiters;
    this.#slotWaiters = [];
    for (const wake of waiters) wake();
  }
}
