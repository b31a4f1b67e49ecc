import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { TooFewServers } from '../errors.js';
import { type ConsumerSpec, duplicateWindow, type StreamSpec, streamSpecs } from './topology.js';

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const NO_SUITABLE_PEERS = 10005;
const STREAM_NAME_IN_USE = 10058;
const STREAM_NOT_FOUND = 10059;
const REPLICAS_WITHOUT_CLUSTER = 10074;
const CONSUMER_EXISTS = 10148;

export interface StreamOptions {
  /**
   * On how many servers of a cluster each stream is kept. Undefined: new streams on one, and existing ones stay as they are.
   */
  readonly replicas?: number | undefined;
}

/**
 * Creates missing streams and updates the others as declared. Call it at the start, at each reconnect (NATS may have come back
 * without its data), and when a stream is found missing. Repeating it is harmless.
 * @returns the names of the streams that this call created
 * @throws TooFewServers; errors of JetStream if it cannot keep a stream
 */
export async function ensureStreams(
  nc: NatsConnection,
  options: StreamOptions = {},
): Promise<readonly string[]> {
  const made: string[] = [];
  for (const spec of streamSpecs) if (await ensureStream(nc, spec, options)) made.push(spec.name);
  return made;
}

/**
 * Keeps an existing stream on as many servers as are wanted.
 * @param config of the stream as it is
 * @throws TooFewServers; errors of JetStream
 */
export async function ensureReplicas(
  nc: NatsConnection,
  { name, num_replicas: present }: StreamConfig,
  replicas: number | undefined,
): Promise<void> {
  if (replicas === undefined || present === replicas) return;
  // A single server takes the new number, and keeps the stream alone as before (seen with 2.9).
  if (nc.info?.cluster === undefined) throw new TooFewServers(name, replicas, 'it is a single server');
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  await jsm.streams.update(name, { num_replicas: replicas }).catch((error: unknown) => {
    throw isTooFewServers(error) ? new TooFewServers(name, replicas, error) : error;
  });
}

async function ensureStream(
  nc: NatsConnection,
  spec: StreamSpec,
  { replicas }: StreamOptions,
): Promise<boolean> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const wanted = { subjects: [...spec.subjects], max_age: spec.maxAge, duplicate_window: duplicateWindow };
  try {
    const { config } = await jsm.streams.info(spec.name);
    const same =
      config.max_age === wanted.max_age &&
      config.duplicate_window === wanted.duplicate_window &&
      config.subjects.join(' ') === wanted.subjects.join(' ');
    if (!same) await jsm.streams.update(spec.name, wanted);
    await ensureReplicas(nc, config, replicas);
    return false;
  } catch (error) {
    if (!hasApiCode(error, STREAM_NOT_FOUND)) throw error;
  }
  try {
    await jsm.streams.add({
      ...wanted,
      ...(replicas === undefined ? {} : { num_replicas: replicas }),
      name: spec.name,
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      allow_direct: true,
    });
    return true;
  } catch (error) {
    // Another process was faster; the next call updates the stream if it differs.
    if (hasApiCode(error, STREAM_NAME_IN_USE)) return false;
    throw isTooFewServers(error) ? new TooFewServers(spec.name, replicas ?? 1, error) : error;
  }
}

/**
 * Creates the durable consumer, or updates an existing one, which an earlier version may have made.
 * @returns the consumer, to pull from
 * @throws JetStreamApiError if its stream is missing: the planner creates streams, and consumers wait for them
 */
export async function ensureConsumer(nc: NatsConnection, spec: ConsumerSpec): Promise<Consumer> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const changeable = {
    filter_subject: spec.filter,
    ack_wait: spec.ackWaitMs * 1_000_000,
    ...(spec.inactiveMs === undefined ? {} : { inactive_threshold: spec.inactiveMs * 1_000_000 }),
  };
  const wanted = {
    ...changeable,
    durable_name: spec.durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    // JetStream never gives up a message: only the log decides on retries.
    max_deliver: -1,
    // The number of pulls is the limit. Messages that wait for a newer version must not block the rest.
    max_ack_pending: -1,
  };
  const info = await jsm.consumers.add(spec.stream, wanted).catch((error: unknown) => {
    // This error means that it differs: creating an identical one is no error.
    if (!hasApiCode(error, CONSUMER_EXISTS)) throw error;
    return jsm.consumers.update(spec.stream, spec.durable, changeable);
  });
  return jetstream(nc).consumers.getConsumerFromInfo(info);
}

export function isStreamMissing(error: unknown): boolean {
  return hasApiCode(error, STREAM_NOT_FOUND);
}

const isTooFewServers = (error: unknown): boolean =>
  hasApiCode(error, NO_SUITABLE_PEERS) || hasApiCode(error, REPLICAS_WITHOUT_CLUSTER);

function hasApiCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/**
 * The messages that waited for a consumer at one moment, and whether they have been handled since. After an outage the planner
 * checks this before it lets any wait end: the awaited answer may be among the unread messages.
 */
export class Backlog {
  #target: number | undefined;
  #deliveredAt: number | undefined;

  /** @param now a clock that does not jump, in milliseconds */
  constructor(
    private readonly nc: NatsConnection,
    private readonly spec: ConsumerSpec,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Makes the next call of `isTaken` read the backlog again. */
  restart(): void {
    this.#target = undefined;
    this.#deliveredAt = undefined;
  }

  /**
   * @returns whether every message that waited at the first call since `restart` has been handled
   * @throws errors of JetStream, such as a missing stream or consumer, or no answer
   */
  async isTaken(): Promise<boolean> {
    const jsm = await jetstreamManager(this.nc, { checkAPI: false });
    // A cluster may have lost messages since, without an end of the connection: nobody can handle those.
    this.#target = Math.min(
      this.#target ?? Number.POSITIVE_INFINITY,
      await lastSequence(jsm, this.spec.stream),
    );
    const { ack_floor, delivered } = await jsm.consumers.info(this.spec.stream, this.spec.durable);
    if (ack_floor.stream_seq >= this.#target) return true;
    if (delivered.stream_seq < this.#target) return false;
    // A message that only a newer version reads is never acked, so do not wait for it forever. Messages that were delivered to a
    // dead process come back once, after their ack time.
    this.#deliveredAt ??= this.now();
    return this.now() - this.#deliveredAt >= 2 * this.spec.ackWaitMs;
  }
}

async function lastSequence(jsm: JetStreamManager, stream: string): Promise<number> {
  return (await jsm.streams.info(stream)).state.last_seq;
}
