import {
  type AttemptRef,
  ClaimAnswer,
  type ClaimRequest,
  type CloudEvent,
  LeaseAnswer,
  type Progress,
  type Report,
  ReportAnswer,
  WORKER_PROTOCOL,
  subjects,
} from '@ledgerlift/contracts';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { v7 as uuid } from 'uuid';
import {
  MessageTooLarge,
  cloudEventSource,
  cloudEventType,
  maxPayload,
  requestOnce,
} from '@ledgerlift/messaging';

/** What the client adds to a stored message: `Nats-Msg-Id`. */
const HEADERS = 512;
/** A report's CloudEvent without the report, generously. */
const ENVELOPE = 4096;

/** What an attempt says to the planner, and how it goes over the bus. */
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

  /** By request/reply: answered when it is in the log. @throws RequestTimedOut, RemoteError, BadAnswer */
  reportNow(report: Report, timeoutMs: number): Promise<ReportAnswer> {
    return requestOnce(this.#nc, subjects.reportNow(report.ref.stream), ReportAnswer, report, { timeoutMs });
  }

  /**
   * To REPORTS. The same number is stored once within the duplicate window, so repeating it costs nothing.
   * @param cause the request that led to the attempt
   * @throws MessageTooLarge, and what JetStream answers
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
   * @returns why a report cannot be sent, whether by request or stored; undefined where it can
   */
  tooLarge(report: Report): MessageTooLarge | undefined {
    const { stream, step, attempt } = report.ref;
    const size = Buffer.byteLength(JSON.stringify(report));
    const limit = maxPayload(this.#nc);
    return size + ENVELOPE <= limit
      ? undefined
      : new MessageTooLarge(`the report on attempt ${attempt} of ${step} of ${stream}`, size, limit);
  }

  /** Progress is no history: of what is too large for a message, the beginning of its text is sent. */
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
