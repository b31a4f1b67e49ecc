import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, LogLostEvents, type StoredEvent, comparePositions } from '@ledgerlift/event-log';
import {
  type EventPublisher,
  type Published,
  type StreamOptions,
  ensureStreams,
} from '@ledgerlift/messaging';
import { openAttempt } from '@ledgerlift/migration';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RunStates } from '../runs/run-states.js';

export interface RelayOptions extends StreamOptions {
  /** How long a request may go unclaimed before it is published again under a fresh message id. */
  readonly unclaimedMs: number;
  readonly log: {
    warn(context: object, message: string): void;
    info(context: object, message: string): void;
  };
}

const BATCH = 500;
/** The most events that wait in memory for the bus. If there are more, the relay reads the log instead. */
const MOST_OFFERED = 10_000;

/**
 * Publishes the log to the bus. Where it was comes from the last message in EVENTS and is never stored, so neither a kill nor a
 * loss of NATS's data skips events. Duplicates are dropped by their id, or are harmless.
 */
export class Relay {
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  /** The last event on the bus; undefined: the log is published from its beginning. */
  #last: StoredEvent | undefined;
  #startOver = false;
  /** Whether `offer` collects new events; otherwise they are read from the log. */
  #isFollowing = false;
  #offered: StoredEvent[] = [];

  constructor(
    private readonly log: EventLog,
    private readonly nc: NatsConnection,
    private readonly publisher: EventPublisher,
    private readonly states: RunStates,
    private readonly options: RelayOptions,
  ) {}

  start(): void {
    this.#running = this.#run();
    void this.#watchConnection();
  }

  /** Takes the next event of the log. While the relay keeps up, it publishes these events and does not read the log again. */
  offer(event: StoredEvent): void {
    if (this.#isFollowing) this.#offered.push(event);
    if (this.#offered.length > MOST_OFFERED) this.#fallBehind();
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
        this.#fallBehind();
        await ensureStreams(this.nc, this.options);
        this.#last = await this.#lastPublished();
        this.options.log.info(
          { after: this.#last?.position ?? 'the beginning' },
          'relaying the log to the bus',
        );
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
    if (!this.#isFollowing) await this.#catchUp();
    this.#wake = Promise.withResolvers<void>();
    const batch = this.#offered.splice(0, BATCH).filter(({ position }) => this.#isNew(position));
    if (batch.length > 0) await this.#publish(batch);
    else if (this.#isFollowing && this.#offered.length === 0) await this.#wake.promise;
  }

  /** Drops the offered events, so that the relay reads them from the log. */
  #fallBehind(): void {
    this.#isFollowing = false;
    this.#offered = [];
  }

  #isNew(position: string): boolean {
    return this.#last === undefined || comparePositions(position, this.#last.position) > 0;
  }

  /**
   * The event that the last message names as published, as it is in this log: its position is another one if the log was moved to
   * another engine.
   *
   * @throws LogLostEvents if it is not in this log, which was restored from an older backup or has lost it: then nothing is
   * published, so that nobody acts on half of a history
   */
  async #lastPublished(): Promise<StoredEvent | undefined> {
    for await (const published of this.publisher.published()) {
      const event = await this.#eventOf(published);
      if (event === undefined) throw new LogLostEvents(published);
      return event;
    }
    return undefined;
  }

  async #eventOf(published: Published): Promise<StoredEvent | undefined> {
    if ('position' in published) {
      const before = String(BigInt(published.position) - 1n);
      for await (const event of this.log.readAll({ after: before, limit: 1 })) return event;
      return undefined;
    }
    const { id, stream, revision } = published;
    for await (const event of this.log.readStream(stream, { from: revision, to: revision }))
      return event.id === id ? event : undefined;
    return undefined;
  }

  async #catchUp(): Promise<void> {
    // Set before the first read, so that every event appended from now on is offered, read, or both.
    this.#isFollowing = true;
    let batch: StoredEvent[] = [];
    const after = this.#last === undefined ? {} : { after: this.#last.position };
    for await (const event of this.log.readAll(after)) {
      batch.push(event);
      if (batch.length === BATCH) {
        await this.#publish(batch);
        batch = [];
      }
      if (this.#startOver || this.#stop.signal.aborted) return;
    }
    if (batch.length > 0) await this.#publish(batch);
  }

  async #publish(batch: readonly StoredEvent[]): Promise<void> {
    this.#last = (await this.publisher.publish(batch)) ?? this.#last;
  }

  /** Starts over at each reconnect, because NATS may have lost its data. */
  async #watchConnection(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'reconnect') this.#begin();
    }
  }

  #begin(): void {
    this.#startOver = true;
    this.#wake.resolve();
  }

  /**
   * Starts over if NATS has lost events although the connection lasts, as a cluster can. Call it every few seconds.
   * @throws errors of JetStream other than a missing stream
   */
  async lookForLosses(): Promise<void> {
    if (await this.publisher.hasLostEvents()) this.#begin();
  }

  /** Publishes each step request again that nobody has claimed in time. Call it every few seconds. */
  async republishUnclaimed(now: number): Promise<void> {
    const requested = this.states.index.requested;
    for (const stream of this.#republished.keys())
      if (!requested.has(stream)) this.#republished.delete(stream);
    for (const stream of requested) {
      const state = this.states.vm(stream);
      const open = state && openAttempt(state);
      if (open?.status !== 'requested' || now - Date.parse(open.requestedAt) < this.options.unclaimedMs)
        continue;
      if (now - (this.#republished.get(stream) ?? 0) < this.options.unclaimedMs) continue;
      const event = await this.#requestOf(stream);
      if (event === undefined) continue;
      this.#republished.set(stream, now);
      await this.publisher.republish(event, this.#last);
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
