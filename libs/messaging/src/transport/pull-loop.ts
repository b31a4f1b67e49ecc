import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { setTimeout as delay } from 'node:timers/promises';
import type { BusLogger } from '../bus-logger.js';
import { messageOf } from '../errors.js';
import { ensureConsumer } from '../streams/ensure.js';
import type { ConsumerSpec } from '../streams/topology.js';

export interface PullLoopOptions {
  readonly nc: NatsConnection;
  readonly spec: ConsumerSpec;
  readonly logger: BusLogger;
  /** Handles one message to its end, ack included; must not throw. */
  readonly handle: (message: JsMsg) => Promise<void>;
  /** How many messages are handled at once. */
  readonly concurrency: number;
  /**
   * Asked before each message, with the number of those that are pulled and not acked: a message is pulled only
   * after it resolved, and then only one.
   */
  readonly ready?: ((pulled: number) => Promise<void>) | undefined;
}

const PULL_EXPIRES = 5000;
const PULL_HEARTBEAT = 1000;
const SLOWEST_RETRY = 5000;

/**
 * Pulls messages of one durable consumer for as long as it lives, through everything that NATS may do meanwhile:
 * go, come back, come back empty. Whenever pulling fails, the consumer is made again, more slowly each time.
 */
export class PullLoop {
  readonly #options: PullLoopOptions;
  readonly #stopped = new AbortController();
  readonly #whenStopped: Promise<void>;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #pull: ConsumerMessages | undefined;

  constructor(options: PullLoopOptions) {
    this.#options = options;
    this.#whenStopped = new Promise((resolve) => {
      this.#stopped.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#running = this.#run();
  }

  /** Pulls nothing more; resolves when what was pulled is handled. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#pull?.close();
    await this.#running;
    await Promise.all(this.#inFlight);
  }

  async #run(): Promise<void> {
    const { nc, spec, logger } = this.#options;
    const { signal } = this.#stopped;
    const log = { stream: spec.stream, consumer: spec.durable };
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const consumer = await ensureConsumer(nc, spec);
        while (!signal.aborted) {
          await this.#pullOnce(consumer);
          if (failures > 0) logger.info(log, 'consuming again');
          failures = 0;
        }
      } catch (error) {
        if (signal.aborted || nc.isClosed()) return;
        logger.warn({ ...log, reason: messageOf(error) }, 'cannot consume; trying again');
        const wait = Math.min(SLOWEST_RETRY, 200 * 2 ** Math.min(failures, 10));
        await delay(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One pull request, to its end. Throws when the consumer is gone or NATS does not answer. */
  async #pullOnce(consumer: Consumer): Promise<void> {
    const { concurrency, ready } = this.#options;
    await this.#room();
    if (this.#stopped.signal.aborted) return;
    const pull = await consumer.fetch({
      max_messages: ready === undefined ? concurrency - this.#inFlight.size : 1,
      expires: PULL_EXPIRES,
      idle_heartbeat: PULL_HEARTBEAT,
      // Without asking for the consumer's info after a reconnect: whether it is still there, the pull itself tells.
      bind: true,
    });
    this.#pull = pull;
    try {
      for await (const message of pull) this.#take(message);
    } finally {
      this.#pull = undefined;
    }
  }

  /** Resolves when a message may be pulled, or none shall be. */
  async #room(): Promise<void> {
    const { concurrency, ready } = this.#options;
    const { signal } = this.#stopped;
    let open = false;
    while (!open && !signal.aborted) {
      const pulled = this.#inFlight.size;
      if (ready === undefined) open = pulled < concurrency;
      const gate = ready?.(pulled).then(() => {
        open = true;
      });
      // A message that is done with changes what the gate was asked about.
      if (!open)
        await Promise.race([this.#whenStopped, ...(gate === undefined ? [] : [gate]), ...this.#inFlight]);
    }
  }

  #take(message: JsMsg): void {
    if (this.#stopped.signal.aborted) {
      // Came while stopping: somebody else may have it at once.
      message.nak();
      return;
    }
    const done = this.#options.handle(message).finally(() => this.#inFlight.delete(done));
    this.#inFlight.add(done);
  }
}
