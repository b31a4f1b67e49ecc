import {
  type CloudEvent,
  headers as headerNames,
  StepRequestedData,
  streams,
  subjects,
} from '@ledgerlift/contracts';
import { jetstream, type JetStreamClient, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import { v7 as uuid } from 'uuid';
import { EventsLost, MessageTooLarge, PublishFailed } from '../errors.js';
import { isStreamMissing } from '../streams/ensure.js';
import { type StoredEventLike, byReference, toCloudEvent } from './cloud-event.js';

export interface PublisherOptions {
  readonly nc: NatsConnection;
  readonly installation: string;
  /** How many events may wait for their confirmation at once. */
  readonly window?: number;
  readonly timeoutMs?: number;
}

/** The last event of the log that is certainly on the bus, with all before it. */
export type Published =
  | { readonly id: string; readonly stream: string; readonly revision: number }
  /** As messages of older versions say it. */
  | { readonly position: string };

/** How many messages are looked at to find the relay's last one. */
const LOOK_BACK = 1000;
const PUBLISHED = /^(?<id>\S+) (?<stream>.+) (?<revision>\d+)$/;

/**
 * Publishes the log's events to EVENTS. Each message names the event up to which the log is on the bus, so that a relay can
 * resume from the messages of NATS alone, whatever happened to either of them. It names the event and not its position, because
 * the log may have been moved to another engine since, or restored from a backup.
 */
export class EventPublisher {
  readonly #js: JetStreamClient;
  readonly #nc: NatsConnection;
  readonly #installation: string;
  readonly #window: number;
  readonly #timeout: number;
  /** The highest sequence number in EVENTS that was confirmed. */
  #highest = 0;
  /** Set if EVENTS has lost messages: the first sequence number that was given a second time. */
  #lostFrom: number | undefined;

  constructor({ nc, installation, window = 256, timeoutMs = 5000 }: PublisherOptions) {
    this.#nc = nc;
    this.#js = jetstream(nc);
    this.#installation = installation;
    this.#window = window;
    this.#timeout = timeoutMs;
  }

  /**
   * Publishes in the given order, which must be the log's, with many events in flight; stops at the first failure. Repeating it
   * is harmless: NATS drops duplicates by the event's id, and readers are idempotent by it.
   * @returns the last event confirmed without a gap
   * @throws PublishFailed (transient) with its position; MessageTooLarge if an event does not fit even without its data.
   *   After either, resume from `published`.
   */
  async publish<E extends StoredEventLike>(events: readonly E[]): Promise<E | undefined> {
    const inFlight: { readonly event: E; readonly ack: Promise<unknown> }[] = [];
    let confirmed: E | undefined;
    let failed = false;
    const confirmOldest = async (): Promise<void> => {
      const oldest = inFlight.shift();
      if (oldest === undefined) return;
      try {
        await oldest.ack;
      } catch (error) {
        await Promise.allSettled(inFlight.map(({ ack }) => ack));
        throw error instanceof MessageTooLarge ? error : publishFailed(oldest.event, confirmed, error);
      }
      confirmed = oldest.event;
    };

    for (const [index, event] of events.entries()) {
      // The last event is sent once all before it are confirmed, so that it can name itself.
      const room = index === events.length - 1 ? 0 : this.#window - 1;
      while (inFlight.length > room) await confirmOldest();
      if (failed) break;
      const ack = this.#send(event, { msgId: event.id, upTo: inFlight.length === 0 ? event : confirmed });
      // The failure is handled later, when this event is confirmed in order. Until then, keep it from counting as unhandled.
      ack.catch(() => {
        failed = true;
      });
      inFlight.push({ event, ack });
    }
    while (inFlight.length > 0) await confirmOldest();
    return confirmed;
  }

  /**
   * Publishes an event again with a new `Nats-Msg-Id`, because the duplicate window would drop the old one.
   * @param upTo the last event that the relay has published, because this message may become the last one in EVENTS
   * @throws PublishFailed, MessageTooLarge
   */
  async republish(event: StoredEventLike, upTo: StoredEventLike | undefined): Promise<void> {
    try {
      await this.#send(event, { msgId: `${event.id}/${uuid()}`, upTo });
    } catch (error) {
      throw error instanceof MessageTooLarge ? error : publishFailed(event, upTo, error);
    }
  }

  /**
   * The events up to which the log is on the bus, newest first, from the last messages in EVENTS before the first one that it
   * lost. The relay resumes after the first that is in its log. None: it publishes the whole log.
   *
   * @throws errors of JetStream, such as a missing stream
   */
  async *published(): AsyncIterable<Published> {
    const before = this.#lostFrom;
    this.#lostFrom = undefined;
    this.#highest = 0;
    for await (const { published } of lastPublished(this.#nc, before)) yield published;
  }

  /**
   * Whether EVENTS is missing, or ends before the last message that it confirmed. A cluster of servers can lose messages while
   * the connection lasts: one server is wiped, and another that lacks the newest messages becomes their leader.
   *
   * @throws errors of JetStream
   */
  async hasLostEvents(): Promise<boolean> {
    const confirmed = this.#highest;
    const jsm = await jetstreamManager(this.#nc, { checkAPI: false });
    const info = await jsm.streams.info(streams.events.name).catch((error: unknown) => {
      if (!isStreamMissing(error)) throw error;
    });
    if (info === undefined) return true;
    const isShorter = info.state.last_seq < confirmed;
    if (isShorter) this.#foundLost(info.state.last_seq + 1);
    return isShorter;
  }

  #foundLost(from: number): void {
    this.#lostFrom = Math.min(this.#lostFrom ?? from, from);
  }

  async #send(
    event: StoredEventLike,
    { msgId, upTo }: { readonly msgId: string; readonly upTo: StoredEventLike | undefined },
  ): Promise<void> {
    const head = headers();
    head.set('Content-Type', 'application/cloudevents+json; charset=utf-8');
    if (upTo !== undefined) head.set(headerNames.published, `${upTo.id} ${upTo.stream} ${upTo.revision}`);
    const payload = this.#payloadOf(event, head);
    const confirmed = this.#highest;
    const { seq, duplicate } = await this.#js.publish(subjectOf(event), payload, {
      msgID: msgId,
      headers: head,
      timeout: this.#timeout,
    });
    if (!duplicate && seq <= confirmed) {
      this.#foundLost(seq);
      throw new EventsLost(seq, confirmed);
    }
    this.#highest = Math.max(this.#highest, seq);
  }

  /**
   * Sends an event that is too large, such as a plan of ten thousand VMs, by reference, so that it does not block
   * later ones.
   */
  #payloadOf(event: StoredEventLike, head: MsgHdrs): Uint8Array {
    const limit = this.#nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
    // The server also counts headers; the client adds Nats-Msg-Id, which takes less than 128 bytes.
    const room = limit - JSON.stringify(head).length - 128;
    const whole = toCloudEvent(event, this.#installation);
    const payload = encode(whole);
    if (payload.length <= room) return payload;
    const reference = encode(byReference(whole));
    if (reference.length <= room) return reference;
    throw new MessageTooLarge(
      `event ${event.id} (${event.type} of ${event.stream})`,
      reference.length,
      limit,
    );
  }
}

const encode = (event: CloudEvent): Uint8Array => new TextEncoder().encode(JSON.stringify(event));

function subjectOf(event: StoredEventLike): string {
  if (event.type !== 'StepRequested') return subjects.event(event.stream, event.type);
  const { service, site } = StepRequestedData.parse(event.data);
  return subjects.stepRequested(event.stream, service, site);
}

/**
 * Headers of the last messages in EVENTS that say up to where the log is on the bus, newest first.
 * @param before only messages before this sequence number count
 * @throws errors of JetStream, such as a missing stream
 */
export async function* lastPublished(
  nc: NatsConnection,
  before = Number.POSITIVE_INFINITY,
): AsyncIterable<{ readonly published: Published; readonly header: readonly [name: string, value: string] }> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await jsm.streams.info(streams.events.name);
  const last = Math.min(state.last_seq, before - 1);
  const first = Math.max(state.first_seq, last - LOOK_BACK, 1);
  for (let seq = last; seq >= first && state.messages > 0; seq--) {
    // A message without the header is not the relay's (somebody else published it): look at the previous one.
    const message: StoredMsg | null = await jsm.streams.getMessage(streams.events.name, { seq });
    const value = message?.header.get(headerNames.published) ?? '';
    const { id, stream, revision } = PUBLISHED.exec(value)?.groups ?? {};
    const position = message?.header.get(headerNames.position);
    if (id !== undefined && stream !== undefined)
      yield { published: { id, stream, revision: Number(revision) }, header: [headerNames.published, value] };
    else if (position) yield { published: { position }, header: [headerNames.position, position] };
  }
}

const publishFailed = (
  event: StoredEventLike,
  confirmed: StoredEventLike | undefined,
  cause: unknown,
): PublishFailed => new PublishFailed(event.id, confirmed && String(confirmed.position), cause);
