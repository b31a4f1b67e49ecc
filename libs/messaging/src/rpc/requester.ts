import { setTimeout as delay } from 'node:timers/promises';
import { ErrorReply } from '@ledgerlift/contracts';
import { errors, type Msg, type NatsConnection } from '@nats-io/nats-core';
import type { z } from 'zod';
import { BadAnswer, MessageTooLarge, messageOf, RemoteError, RequestTimedOut } from '../errors.js';
import { maxPayload } from '../streams/topology.js';
import { describeIssue } from '../publish/cloud-event.js';

export interface RequestOptions {
  /** Total time for all tries, from the call. */
  readonly timeoutMs: number;
  /** How long one try waits for an answer before the request is sent again. */
  readonly tryMs?: number;
  readonly signal?: AbortSignal;
}

const RETRY_DELAY = 200;

/**
 * Sends a request, and repeats it despite lost connections and absent responders until the deadline. The responder must
 * therefore be idempotent.
 * @returns the answer, parsed by its schema
 * @throws RequestTimedOut; RemoteError with the responder's code; BadAnswer; MessageTooLarge; the signal's reason
 */
export async function request<S extends z.ZodType>(
  nc: NatsConnection,
  subject: string,
  schema: S,
  body: unknown,
  { timeoutMs, tryMs = 5000, signal }: RequestOptions,
): Promise<z.infer<S>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = new Error('no time was left');
  for (;;) {
    signal?.throwIfAborted();
    const left = deadline - performance.now();
    if (left <= 0) throw new RequestTimedOut(subject, timeoutMs, last);
    try {
      return await requestOnce(nc, subject, schema, body, {
        timeoutMs: Math.min(tryMs, left),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (!(error instanceof RequestTimedOut)) throw error;
      last = error.cause;
    }
    await delay(Math.min(RETRY_DELAY, Math.max(1, deadline - performance.now())), undefined, {
      ...(signal === undefined ? {} : { signal }),
    }).catch(() => undefined);
  }
}

/**
 * Sends a request once.
 * @throws RequestTimedOut, at once if nobody listens; RemoteError; BadAnswer; MessageTooLarge; the signal's reason
 */
export async function requestOnce<S extends z.ZodType>(
  nc: NatsConnection,
  subject: string,
  schema: S,
  body: unknown,
  { timeoutMs, signal }: Pick<RequestOptions, 'timeoutMs' | 'signal'>,
): Promise<z.infer<S>> {
  let answer: Msg;
  const payload = new TextEncoder().encode(JSON.stringify(body));
  const limit = maxPayload(nc);
  if (payload.length > limit) throw new MessageTooLarge(`the request on ${subject}`, payload.length, limit);
  try {
    // The client takes whole milliseconds, from 1.
    const timeout = Math.max(1, Math.ceil(timeoutMs));
    answer = await abortable(nc.request(subject, payload, { timeout }), signal);
  } catch (error) {
    throw isLack(error) ? new RequestTimedOut(subject, timeoutMs, error) : error;
  }
  return readAnswer(subject, schema, answer);
}

function readAnswer<S extends z.ZodType>(subject: string, schema: S, message: Msg): z.infer<S> {
  let json: unknown;
  try {
    json = message.json();
  } catch (error) {
    throw new BadAnswer(subject, messageOf(error));
  }
  const failed = ErrorReply.safeParse(json);
  if (failed.success) throw new RemoteError(subject, failed.data.error);
  const answer = schema.safeParse(json);
  if (answer.success) return answer.data;
  const { reason, field } = describeIssue(answer.error);
  throw new BadAnswer(subject, reason, field);
}

/** Whether the error is temporary: no responder, no answer, or no connection. */
function isLack(error: unknown): boolean {
  return (
    error instanceof errors.TimeoutError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.ConnectionError ||
    (error instanceof errors.RequestError && !(error.cause instanceof errors.ClosedConnectionError))
  );
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Whichever lost must not become an unhandled rejection.
    promise.catch(() => undefined);
  }
}
