import { streams } from '@ledgerlift/contracts';
import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { z } from 'zod';
import type { BusLogger } from '../bus-logger.js';
import { messageOf, PoisonMessage } from '../errors.js';
import { describeIssue, parseCloudEvent } from '../publish/cloud-event.js';
import type { ConsumerSpec } from '../streams/topology.js';
import { buryMessage } from './dead-letters.js';

export interface DispatchOptions {
  readonly nc: NatsConnection;
  readonly spec: ConsumerSpec;
  /** What the data must be. */
  readonly schema: z.ZodType;
  readonly logger: BusLogger;
  /** The handler; resolves when the message is done with, throws when it is to be delivered again. */
  readonly handle: (payload: unknown, message: JsMsg) => Promise<void>;
}

/** How long a message that is for a newer program waits until one is asked again. */
const NEWER_DELAY = 30_000;

type Read =
  { readonly kind: 'payload'; readonly payload: unknown } | { readonly kind: 'newer'; readonly type: string };

/**
 * Handles one message from its bytes to its ack: read, validated, handled, acked; left to a newer program; buried
 * in DEAD when it cannot be understood; given back for later when the handler failed. Never throws.
 */
export async function dispatch(options: DispatchOptions, message: JsMsg): Promise<void> {
  const { nc, spec, logger } = options;
  const log = { subject: message.subject, stream: spec.stream, sequence: message.seq };
  const heartbeat = setInterval(() => message.working(), spec.ackWaitMs / 3);
  try {
    const read = readMessage(options, message);
    if (read.kind === 'newer') {
      logger.info({ ...log, type: read.type }, 'left to a newer version of this service');
      message.nak(NEWER_DELAY);
      return;
    }
    await options.handle(read.payload, message);
    message.ack();
  } catch (error) {
    if (error instanceof PoisonMessage) await bury(nc, message, error, options);
    else {
      const wait = retryDelay(message.info.deliveryCount);
      logger.warn(
        { ...log, reason: messageOf(error), retryInMs: wait },
        'a handler failed; the message comes again',
      );
      message.nak(wait);
    }
  } finally {
    clearInterval(heartbeat);
  }
}

function readMessage({ spec, schema }: DispatchOptions, message: JsMsg): Read {
  if (spec.reads === undefined) return { kind: 'payload', payload: parseData(schema, readJson(message)) };
  const parsed = parseCloudEvent(message.data, spec.reads);
  if (parsed.kind === 'newer') return { kind: 'newer', type: `${parsed.type}.v${parsed.version}` };
  if (parsed.kind === 'poison') throw parsed.error;
  return { kind: 'payload', payload: { event: parsed.event, data: parseData(schema, parsed.event.data) } };
}

function readJson(message: JsMsg): unknown {
  try {
    return message.json();
  } catch (error) {
    throw new PoisonMessage('LL-BUS-001', `the message is not JSON: ${messageOf(error)}`);
  }
}

function parseData(schema: z.ZodType, data: unknown): unknown {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const { reason, field } = describeIssue(parsed.error);
  throw new PoisonMessage('LL-BUS-003', `the message's data are not valid: ${reason}`, field);
}

async function bury(
  nc: NatsConnection,
  message: JsMsg,
  error: PoisonMessage,
  { spec, logger }: DispatchOptions,
): Promise<void> {
  const log = { subject: message.subject, stream: spec.stream, sequence: message.seq, code: error.code };
  try {
    // A dead letter that is itself unreadable stays where it is: it is in DEAD already.
    if (spec.stream !== streams.dead.name) await buryMessage(nc, message, error);
    logger.error({ ...log, reason: error.message }, 'a message cannot be understood; it is in DEAD');
    message.term();
  } catch (failure) {
    logger.warn({ ...log, reason: messageOf(failure) }, 'cannot put a message into DEAD; it comes again');
    message.nak(retryDelay(message.info.deliveryCount));
  }
}

/** 1 s, 2 s, 4 s … 30 s. */
const retryDelay = (deliveries: number): number => Math.min(30_000, 500 * 2 ** Math.min(deliveries, 10));
