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
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { type ConsumerSpec, duplicateWindow, type StreamSpec, streamSpecs } from './topology.js';

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const STREAM_NAME_IN_USE = 10058;
const STREAM_NOT_FOUND = 10059;
const CONSUMER_EXISTS = 10148;

/**
 * Makes the streams that are missing and brings the others to what is declared. To be called at start, at each
 * reconnect (NATS may have come back without its data), and when a stream is found missing; doing so again does
 * no harm.
 * @returns the names of the streams that were made by this call
 * @throws what JetStream answers when it cannot keep a stream
 */
export async function ensureStreams(nc: NatsConnection): Promise<readonly string[]> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const made: string[] = [];
  for (const spec of streamSpecs) if (await ensureStream(jsm, spec)) made.push(spec.name);
  return made;
}

async function ensureStream(jsm: JetStreamManager, spec: StreamSpec): Promise<boolean> {
  const wanted = { subjects: [...spec.subjects], max_age: spec.maxAge, duplicate_window: duplicateWindow };
  try {
    const { config } = await jsm.streams.info(spec.name);
    const same =
      config.max_age === wanted.max_age &&
      config.duplicate_window === wanted.duplicate_window &&
      config.subjects.join(' ') === wanted.subjects.join(' ');
    if (!same) await jsm.streams.update(spec.name, wanted);
    return false;
  } catch (error) {
    if (!hasApiCode(error, STREAM_NOT_FOUND)) throw error;
  }
  try {
    await jsm.streams.add({
      ...wanted,
      name: spec.name,
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      allow_direct: true,
    });
    return true;
  } catch (error) {
    // Somebody was faster; theirs is brought to ours at the next call, should it differ.
    if (hasApiCode(error, STREAM_NAME_IN_USE)) return false;
    throw error;
  }
}

/**
 * Makes the durable consumer, or brings the one that is there to what is wanted: an earlier version may have made it.
 * @returns the consumer, to pull from
 * @throws JetStreamApiError when its stream is missing: the planner makes streams, who consumes waits for them
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
    // Never given up by JetStream: only the log decides about trying again.
    max_deliver: -1,
    // Pulling is the limit; messages that wait for a newer version must not block the rest.
    max_ack_pending: -1,
  };
  const info = await jsm.consumers.add(spec.stream, wanted).catch((error: unknown) => {
    // Only where it differs: the same one made again is no error.
    if (!hasApiCode(error, CONSUMER_EXISTS)) throw error;
    return jsm.consumers.update(spec.stream, spec.durable, changeable);
  });
  return jetstream(nc).consumers.getConsumerFromInfo(info);
}

export function isStreamMissing(error: unknown): boolean {
  return hasApiCode(error, STREAM_NOT_FOUND);
}

function hasApiCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
