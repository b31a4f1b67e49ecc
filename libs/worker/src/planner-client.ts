import {
  type AttemptRef,
  ClaimAnswer,
  type ClaimRequest,
  type CloudEvent,
  cloudEventSource,
  cloudEventType,
  LeaseAnswer,
  type Progress,
  type Report,
  ReportAnswer,
  subjects,
  WORKER_PROTOCOL,
} from '@ledgerlift/contracts';
import { maxPayload, MessageTooLarge, requestOnce } from '@ledgerlift/messaging';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { v7 as uuid } from 'uuid';

/** Bytes that the client adds to a stored message for `Nats-Msg-Id`. */
const HEADERS = 512;
/** Upper bound of a report's CloudEvent without the report. */
const ENVELOPE = 4096;

/** The messages of an attempt to the planner, over the bus. */
export class PlannerClient {
  readonly #nc: NatsConnection;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /** @throws RequestTimedOut, RemoteError, BadAnswer */
  claim(ref: AttemptRef, timeoutMs: number, signal: AbortSignal): Promise<ClaimAnswer> {
    const request: ClaimRequest = { ...ref, protocol: WORKER_PROTOCOL };
    return requestOnce(this.#nc, subjects.claim(ref.stream), ClaimAnswer, request, { timeoutMs, signal });
  }

  /** @throws RequestTimedOut, RemoteError, BadAnswer */
  lease(ref: AttemptRef, timeoutMs: number): Promise<LeaseAnswer> {
    return requestOnce(this.#nc, subjects.lease(ref.stream), LeaseAnswer, ref, { timeoutMs });
  }

  /**
   * Reports by request/reply, answered when the report is in the log.
   * @throws RequestTimedOut, RemoteError, BadAnswer
   */
  reportNow(report: Report, timeoutMs: number): Promise<ReportAnswer> {
    return requestOnce(this.#nc, subjects.reportNow(report.ref.stream), ReportAnswer, report, { timeoutMs });
  }

  /**
   * Stores a report in REPORTS. The same number is stored once within the duplicate window, so repeating it costs nothing.
   * @param cause the request that led to the attempt
   * @throws MessageTooLarge, and errors of JetStream
   */
  async report(report: Report, cause: CloudEvent, installation: string): Promise<void> {
    const { stream, step, attempt } = report.ref;
    const id = `${stream}/${step}/${attempt}/${report.number}`;
    const event: CloudEvent = {
      specversion: '1.0',
      id: uuid(),
      source: cloudEventSource(installation, stream),
      type: cloudEventType('StepReported', 1),
      subject: stream,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      ...(cause.traceparent === undefined ? {} : { traceparent: cause.traceparent }),
      correlationid: cause.correlationid,
      causationid: cause.id,
      actor: `service:${report.ref.worker}`,
      data: report,
    };
    const payload = new TextEncoder().encode(JSON.stringify(event));
    const limit = maxPayload(this.#nc);
    if (payload.length + HEADERS > limit) throw new MessageTooLarge(`report ${id}`, payload.length, limit);
    await jetstream(this.#nc).publish(subjects.report(stream), payload, { msgID: id, timeout: 5000 });
  }

  /**
   * @returns the error if a report is too large to be sent by request or stored
   */
  tooLarge(report: Report): MessageTooLarge | undefined {
    const { stream, step, attempt } = report.ref;
    const size = Buffer.byteLength(JSON.stringify(report));
    const limit = maxPayload(this.#nc);
    return size + ENVELOPE <= limit
      ? undefined
      : new MessageTooLarge(`the report on attempt ${attempt} of ${step} of ${stream}`, size, limit);
  }

  /** Publishes progress. Too large a text is cut, because progress is not part of the history. */
  progress(progress: Progress): void {
    if (this.#nc.isClosed()) return;
    const whole = JSON.stringify(progress);
    const payload =
      Buffer.byteLength(whole) <= maxPayload(this.#nc)
        ? whole
        : JSON.stringify({ ...progress, items: [], message: progress.message.slice(0, 1000) });
    this.#nc.publish(subjects.progress(progress.ref.stream), payload);
  }
}

/** The key pair of a pod's NATS user. Its seed is a secret. */
export interface UserKey {
  readonly publicKey: string;
  readonly seed: string;
}

export function freshKey(): UserKey {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

// https://docs.nats.io/using-nats/developer/connecting/creds: two blocks between lines of dashes.
const JWT = /-{3,} *BEGIN NATS USER JWT *-{3,}\s+(\S+)\s+-{3,}/;
const SEED = /-{3,} *BEGIN USER NKEY SEED *-{3,}\s+(\S+)\s+-{3,}/;

/** A creds file, as NATS' clients read it. */
export const credsOf = ({ seed }: UserKey, jwt: string): string =>
  [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');

/** The key in a creds file; undefined if it has none. */
export function keyIn(creds: string): UserKey | undefined {
  const [, seed] = SEED.exec(creds) ?? [];
  if (seed === undefined) return undefined;
  try {
    return { seed, publicKey: fromSeed(new TextEncoder().encode(seed)).getPublicKey() };
  } catch {
    return undefined;
  }
}

/** When the JWT of a creds file expires, in milliseconds since 1970; 0 if it does not say. */
export function expiryIn(creds: string): number {
  const [, jwt = ''] = JWT.exec(creds) ?? [];
  const [, claims = ''] = jwt.split('.');
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
