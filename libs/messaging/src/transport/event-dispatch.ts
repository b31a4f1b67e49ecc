import { type CloudEvent, type ErrorReply, LedgerliftError, streams } from '@ledgerlift/contracts';
import type { JsMsg } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { BaseRpcContext } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import type { z } from 'zod';
import type { BusLogger } from '../bus-logger.js';
import { messageOf, PoisonMessage } from '../errors.js';
import { describeIssue, parseCloudEvent } from '../publish/cloud-event.js';
import type { ConsumerSpec } from '../streams/topology.js';
import { buryMessage } from './dead-letters.js';

/** The payload of an `@EventPattern` handler: the envelope, and its data parsed by the handler's schema. */
export interface Received<T> {
  readonly event: CloudEvent;
  readonly data: T;
}

/** `@Ctx()` of an `@EventPattern` handler. */
export class JetStreamContext extends BaseRpcContext<[JsMsg]> {
  get subject(): string {
    return this.args[0].subject;
  }

  /** Sequence number of the message in its JetStream stream. */
  get sequence(): number {
    return this.args[0].seq;
  }

  /** 1 at the first delivery. */
  get deliveries(): number {
    return this.args[0].info.deliveryCount;
  }
}

/** `@Ctx()` of a `@MessagePattern` handler. */
export class RequestContext extends BaseRpcContext<[Msg]> {
  get subject(): string {
    return this.args[0].subject;
  }

  /** A header of the request, such as `traceparent`. */
  header(name: string): string | undefined {
    return this.args[0].headers?.get(name) || undefined;
  }
}

export interface DispatchOptions {
  readonly nc: NatsConnection;
  readonly spec: ConsumerSpec;
  /** Schema of the data. */
  readonly schema: z.ZodType;
  readonly logger: BusLogger;
  /** The handler. Resolves when the message is done; throws to have it delivered again. */
  readonly handle: (payload: unknown, message: JsMsg) => Promise<void>;
}

/** Delay before a message for a newer version is delivered again. */
const NEWER_DELAY = 30_000;

type Read =
  { readonly kind: 'payload'; readonly payload: unknown } | { readonly kind: 'newer'; readonly type: string };

/**
 * Handles one message from its bytes to its ack: parses, validates, handles and acks it. Leaves it to a newer version, buries
 * it in DEAD if it is unreadable, or returns it for later if the handler failed. Never throws.
 */
export async function dispatch(options: DispatchOptions, message: JsMsg): Promise<void> {
  const { nc, spec, logger } = options;
  const log = { subject: message.subject, stream: spec.stream, sequence: message.seq };
  const heartbeat = setInterval(() => message.working(), spec.ackWaitMs / 3);
  try {
    const read = readMessage(options, message);
    if (read.kind === 'newer') {
      logger.info({ ...log, type: read.type }, 'message left for a newer version of this service');
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
        'a handler failed; the message will be redelivered',
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
    // An unreadable dead letter stays in DEAD.
    if (spec.stream !== streams.dead.name) await buryMessage(nc, message, error);
    logger.error({ ...log, reason: error.message }, 'unreadable message; it is stored in DEAD');
    message.term();
  } catch (failure) {
    logger.warn(
      { ...log, reason: messageOf(failure) },
      'cannot store a message in DEAD; it will be redelivered',
    );
    message.nak(retryDelay(message.info.deliveryCount));
  }
}

/** 1 s, 2 s, 4 s … 30 s. */
const retryDelay = (deliveries: number): number => Math.min(30_000, 500 * 2 ** Math.min(deliveries, 10));

/**
 * Lets errors through to the transport as they were thrown; Nest's own filter would turn each into 'Internal
 * server error', and neither an answer's code nor a poison message would be known for what it is.
 */
@Catch()
export class BusErrorFilter implements RpcExceptionFilter<unknown> {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/** What goes back to who asked. Only our own errors say more than that something failed: they hold no secrets. */
export function toErrorReply(error: unknown): ErrorReply {
  if (error instanceof LedgerliftError) return { error: error.details() };
  return {
    error: { code: 'LL-BUS-010', message: 'the service failed while it answered; its log says why' },
  };
}
