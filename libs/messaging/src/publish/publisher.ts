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
import { MessageTooLarge, PublishFailed } from '../errors.js';
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
   * @throws PublishFailed (transient) with that position; MessageTooLarge if an event does not fit even without its data
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

  async #send(
    event: StoredEventLike,
    { msgId, position }: { readonly msgId: string; readonly position: string | undefined },
  ): Promise<void> {
    const head = headers();
    head.set('Content-Type', 'application/cloudevents+json; charset=utf-8');
    if (position !== undefined) head.set(headerNames.position, position);
    const payload = this.#payloadOf(event, head);
    await this.#js.publish(subjectOf(event), payload, {
      msgID: msgId,
      headers: head,
      timeout: this.#timeout,
    });
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
 * @returns undefined if EVENTS is missing, empty, or has no position: then publish the whole log
 */
export async function lastPublishedPosition(nc: NatsConnection): Promise<string | undefined> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await jsm.streams.info(streams.events.name);
  const first = Math.max(state.first_seq, state.last_seq - LOOK_BACK, 1);
  for (let seq = state.last_seq; seq >= first && state.messages > 0; seq--) {
    // A message without the header is not the relay's (somebody else published it): look at the previous one.
    const message: StoredMsg | null = await jsm.streams.getMessage(streams.events.name, { seq });
    const position = message?.header.get(headerNames.position);
    if (position) return position;
  }
  return undefined;
}
