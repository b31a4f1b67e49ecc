import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import { type EventPublisher, ensureStreams, lastPublishedPosition } from '@ledgerlift/messaging';
import { openAttempt } from '@ledgerlift/migration';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RunEngine } from '../runs/run-engine.js';

export interface RelayOptions {
  /** How long a request may go unclaimed before it is published again under a fresh message id. */
  readonly unclaimedMs: number;
  readonly log: {
    warn(context: object, message: string): void;
    info(context: object, message: string): void;
  };
}

const BATCH = 500;

/**
 * Carries the log to the bus. Where to go on is asked of EVENTS itself, never remembered: so nothing is skipped after
 * a kill at any point, nor when NATS comes back without its data; what is published twice is dropped by its id, or
 * harmless.
 */
export class Relay {
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #position: string | undefined;
  #startOver = false;

  constructor(
    private readonly log: EventLog,
    private readonly nc: NatsConnection,
    private readonly publisher: EventPublisher,
    private readonly engine: RunEngine,
    private readonly options: RelayOptions,
  ) {}

  start(): void {
    this.#running = this.#run();
    void this.#watchConnection();
  }

  /** There is something new in the log. */
  notify(): void {
    this.#wake.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        this.#startOver = false;
        await ensureStreams(this.nc);
        this.#position = await lastPublishedPosition(this.nc);
        this.options.log.info({ after: this.#position ?? 'the beginning' }, 'relaying the log to the bus');
        while (!signal.aborted && !this.#startOver) await this.#publishWhatIsNew();
      } catch (error) {
        if (signal.aborted) return;
        this.options.log.warn(
          { reason: error instanceof Error ? error.message : String(error) },
          'the relay starts over',
        );
        await sleep(500, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #publishWhatIsNew(): Promise<void> {
    this.#wake = Promise.withResolvers<void>();
    let batch: StoredEvent[] = [];
    const after = this.#position === undefined ? {} : { after: this.#position };
    for await (const event of this.log.readAll(after)) {
      batch.push(event);
      if (batch.length === BATCH) {
        await this.#publish(batch);
        batch = [];
      }
      if (this.#startOver || this.#stop.signal.aborted) return;
    }
    if (batch.length > 0) await this.#publish(batch);
    else await this.#wake.promise;
  }

  async #publish(batch: readonly StoredEvent[]): Promise<void> {
    this.#position = (await this.publisher.publish(batch)) ?? this.#position;
  }

  /** NATS may have come back without its data: what it has is looked at again. */
  async #watchConnection(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type !== 'reconnect') continue;
      this.#startOver = true;
      this.notify();
    }
  }

  /** Log and bus compared: a request that nobody claimed in time is published again. To be called every few seconds. */
  async republishUnclaimed(now: number): Promise<void> {
    for (const stream of this.engine.requested()) {
      const state = this.engine.state(stream);
      const open = state && openAttempt(state);
      if (open?.status !== 'requested' || now - Date.parse(open.requestedAt) < this.options.unclaimedMs)
        continue;
      if (now - (this.#republished.get(stream) ?? 0) < this.options.unclaimedMs) continue;
      const event = await this.#requestOf(stream);
      if (event === undefined) continue;
      this.#republished.set(stream, now);
      await this.publisher.republish(event, this.#position);
    }
  }

  readonly #republished = new Map<string, number>();

  async #requestOf(stream: string): Promise<StoredEvent | undefined> {
    for await (const event of this.log.readStream(stream, { direction: 'backwards' })) {
      if (event.type === 'StepRequested') return event;
    }
    return undefined;
  }
}
