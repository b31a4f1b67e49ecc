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

/** How many messages without a position are skipped to find the relay's last one. */
const LOOK_BACK = 1000;

/**
 * Publishes the log's events to EVENTS. Each message carries the position up to which the log is on the bus, so that a relay can
 * resume from the messages of NATS alone, whatever happened to either of them.
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
   * @returns the position of the last event confirmed without a gap
   * @throws PublishFailed (transient) with that position; MessageTooLarge if an event does not fit even without its data.
   *   After either, resume from `lastPosition`.
   */
  async publish(events: readonly StoredEventLike[]): Promise<string | undefined> {
    const inFlight: { readonly event: StoredEventLike; readonly ack: Promise<unknown> }[] = [];
    let confirmed: string | undefined;
    let failed = false;
    const confirmOldest = async (): Promise<void> => {
      const oldest = inFlight.shift();
      if (oldest === undefined) return;
      try {
        await oldest.ack;
      } catch (error) {
        await Promise.allSettled(inFlight.map(({ ack }) => ack));
        throw error instanceof MessageTooLarge ? error : new PublishFailed(oldest.event.id, confirmed, error);
      }
      confirmed = String(oldest.event.position);
    };

    for (const [index, event] of events.entries()) {
      // The last event is sent once all before it are confirmed, so that it can carry its own position.
      const room = index === events.length - 1 ? 0 : this.#window - 1;
      while (inFlight.length > room) await confirmOldest();
      if (failed) break;
      const position = inFlight.length === 0 ? String(event.position) : confirmed;
      const ack = this.#send(event, { msgId: event.id, position });
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
   * @param position up to which the relay has published, because this message may become the last one in EVENTS
   * @throws PublishFailed, MessageTooLarge
   */
  async republish(event: StoredEventLike, position: string | undefined): Promise<void> {
    try {
      await this.#send(event, { msgId: `${event.id}/${uuid()}`, position });
    } catch (error) {
      throw error instanceof MessageTooLarge ? error : new PublishFailed(event.id, position, error);
    }
  }

  /**
   * The position up to which the log is on the bus, from the last message in EVENTS before the first one that it lost.
   * @returns undefined if EVENTS is empty, or has no position: then publish the whole log
   * @throws errors of JetStream, such as a missing stream
   */
  async lastPosition(): Promise<string | undefined> {
    const position = await lastPublishedPosition(this.#nc, this.#lostFrom);
    this.#lostFrom = undefined;
    this.#highest = 0;
    return position;
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
    { msgId, position }: { readonly msgId: string; readonly position: string | undefined },
  ): Promise<void> {
    const head = headers();
    head.set('Content-Type', 'application/cloudevents+json; charset=utf-8');
    if (position !== undefined) head.set(headerNames.position, position);
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
 * The position up to which the log is on the bus, from the last message in EVENTS.
 * @param before only messages before this sequence number count
 * @returns undefined if EVENTS is empty, or has no position: then publish the whole log
 * @throws errors of JetStream, such as a missing stream
 */
export async function lastPublishedPosition(
  nc: NatsConnection,
  before = Number.POSITIVE_INFINITY,
): Promise<string | undefined> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await jsm.streams.info(streams.events.name);
  const last = Math.min(state.last_seq, before - 1);
  const first = Math.max(state.first_seq, last - LOOK_BACK, 1);
  for (let seq = last; seq >= first && state.messages > 0; seq--) {
    // A message without the header is not the relay's (somebody else published it): look at the previous one.
    const message: StoredMsg | null = await jsm.streams.getMessage(streams.events.name, { seq });
    const position = message?.header.get(headerNames.position);
    if (position) return position;
  }
  return undefined;
}
