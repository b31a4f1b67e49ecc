import { SUBJECT_ROOT } from '@ledgerlift/contracts';
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { setTimeout as delay } from 'node:timers/promises';
import { isObservable, lastValueFrom } from 'rxjs';
import { z } from 'zod';
import { type BusLogger, silentLogger } from '../bus-logger.js';
import { BadRequest, messageOf, MessageTooLarge, UnknownConsumer } from '../errors.js';
import { describeIssue } from '../publish/cloud-event.js';
import { type ConsumerSpec, maxPayload } from '../streams/topology.js';
import { dispatch, JetStreamContext, RequestContext, toErrorReply } from './event-dispatch.js';
import { PullLoop } from './pull-loop.js';

export interface ConsumerBinding {
  readonly spec: ConsumerSpec;
  /** How many messages are handled at once; by default 1. */
  readonly concurrency?: number;
  /** A message is pulled only after this resolves, so that a busy worker takes nothing from a free one. */
  readonly ready?: (pulled: number) => Promise<void>;
}

export interface JetStreamServerOptions {
  readonly nc: NatsConnection;
  /**
   * Whether this process may answer requests now; by default always. Requests that come otherwise are dropped: the process
   * that may answers them.
   */
  readonly answers?: () => boolean;
  /** The consumers, by the name in `@EventPattern('name', { schema })`. */
  readonly consumers?: Readonly<Record<string, ConsumerBinding>>;
  readonly logger?: BusLogger;
}

/** How long closing waits while NATS is away. */
const GOODBYE = 2000;

/**
 * Nest's transport over NATS. `@EventPattern('name', { schema })` handlers get the messages of the durable pull
 * consumer declared under that name, as `Received<T>`; a message is acked when the handler resolved.
 * `@MessagePattern(subject, { schema })` handlers answer requests on core NATS; errors go back as `ErrorReply`.
 * The connection is the caller's: closing the server leaves it open.
 */
export class JetStreamServer extends Server implements CustomTransportStrategy {
  // The dispatcher handles and logs a failed handler; Nest need not log it again.
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: JetStreamServerOptions;
  readonly #logger: BusLogger;
  readonly #loops: PullLoop[] = [];
  readonly #subscriptions: Subscription[] = [];
  readonly #answering = new Set<Promise<void>>();

  constructor(options: JetStreamServerOptions) {
    super();
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /**
   * Starts consuming and answering. NATS need not be up yet.
   * @throws UnknownConsumer (to the callback) if a handler names an undeclared consumer
   */
  listen(callback: (error?: unknown) => void): void {
    try {
      for (const [pattern, handler] of this.getHandlers()) {
        if (handler.isEventHandler === true) this.#consume(pattern, handler);
        else this.#answer(pattern, handler);
      }
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Takes nothing new and resolves when what was taken is handled, acked and answered. */
  async close(): Promise<void> {
    const { nc } = this.#options;
    const drained = nc.isClosed() ? [] : this.#subscriptions.map((subscription) => subscription.drain());
    await Promise.all([
      atMost(GOODBYE, Promise.allSettled(drained)),
      ...this.#loops.map((loop) => loop.stop()),
    ]);
    await Promise.all(this.#answering);
    // Acks and answers are out before the caller closes the connection, if NATS is there to take them.
    if (!nc.isClosed()) await atMost(GOODBYE, nc.flush());
  }

  override on(): never {
    throw new Error('JetStreamServer has no events of its own: watch the NATS connection');
  }

  override unwrap<T>(): T {
    // Nest declares the type as the caller's choice; there is one thing to unwrap.
    return this.#options.nc as T;
  }

  #consume(pattern: string, handler: MessageHandler): void {
    const { nc, consumers = {} } = this.#options;
    const binding = consumers[pattern];
    if (binding === undefined) throw new UnknownConsumer(pattern, Object.keys(consumers));
    const { spec, concurrency = 1, ready } = binding;
    const logger = this.#logger;
    const schema = schemaOf(handler);
    const handle = async (payload: unknown, ...args: ConstructorParameters<typeof JetStreamContext>[0]) => {
      await settle(handler(payload, new JetStreamContext(args)));
    };
    this.#loops.push(
      new PullLoop({
        nc,
        spec,
        logger,
        concurrency: ready === undefined ? concurrency : Number.POSITIVE_INFINITY,
        ready,
        handle: (message) => dispatch({ nc, spec, schema, logger, handle }, message),
      }),
    );
  }

  #answer(subject: string, handler: MessageHandler): void {
    const schema = schemaOf(handler);
    const subscription = this.#options.nc.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) {
          this.#logger.error({ subject, reason: messageOf(error) }, 'cannot receive requests');
          return;
        }
        const answered = this.#reply(message, schema, handler).finally(() =>
          this.#answering.delete(answered),
        );
        this.#answering.add(answered);
      },
    });
    this.#subscriptions.push(subscription);
  }

  async #reply(message: Msg, schema: z.ZodType, handler: MessageHandler): Promise<void> {
    if (this.#options.answers?.() === false) {
      this.#logger.debug({ subject: message.subject }, 'request dropped: another process answers');
      return;
    }
    // An answer there would be a message of ours: who may only ask could speak with our permissions.
    if (isMeaningful(message.reply)) {
      this.#logger.error(
        { subject: message.subject, reply: message.reply },
        'request dropped: its reply subject is not an inbox',
      );
      return;
    }
    let answer: unknown;
    try {
      answer = await settle(handler(parseRequest(message, schema), new RequestContext([message])));
    } catch (error) {
      const reply = toErrorReply(error);
      answer = reply;
      const log = { subject: message.subject, code: reply.error.code, reason: messageOf(error) };
      if (reply.error.code === 'LL-BUS-010') this.#logger.error(log, 'a request failed');
      else this.#logger.debug(log, 'a request was refused');
    }
    try {
      message.respond(this.#payloadOf(message.subject, answer));
    } catch (error) {
      // The connection is closed; who asked will ask again and give up in time.
      this.#logger.error(
        { subject: message.subject, reason: messageOf(error) },
        'an answer could not be sent',
      );
    }
  }

  /** An answer that no message takes is an error for who asked: nothing else would ever tell. */
  #payloadOf(subject: string, answer: unknown): Uint8Array {
    const payload = encode(answer);
    const limit = maxPayload(this.#options.nc);
    if (payload.length <= limit) return payload;
    const error = new MessageTooLarge(`the answer on ${subject}`, payload.length, limit);
    this.#logger.error({ subject, code: error.code, reason: error.message }, 'an answer is too large');
    return encode(toErrorReply(error));
  }
}

/** Whether a message on this subject would be taken for more than an answer. */
const isMeaningful = (reply: string | undefined): boolean =>
  reply !== undefined && (reply.startsWith(`${SUBJECT_ROOT}.`) || reply.startsWith('$'));

const encode = (answer: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(answer ?? null));

function parseRequest(message: Msg, schema: z.ZodType): unknown {
  let json: unknown;
  try {
    json = message.data.length === 0 ? undefined : message.json();
  } catch (error) {
    throw new BadRequest(message.subject, messageOf(error));
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { reason, field } = describeIssue(parsed.error);
  throw new BadRequest(message.subject, reason, field);
}

function schemaOf(handler: MessageHandler): z.ZodType {
  const schema: unknown = handler.extras?.['schema'];
  return schema instanceof z.ZodType ? schema : z.unknown();
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => undefined), delay(ms, undefined, { ref: false })]);
}

/** A handler's end, whichever of Nest's ways it took: a value, a promise, an observable. */
async function settle(result: unknown): Promise<unknown> {
  const value: unknown = await result;
  return isObservable(value) ? lastValueFrom(value, { defaultValue: undefined }) : value;
}
