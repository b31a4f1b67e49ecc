import {
  type AttemptRef,
  type ClaimAnswer,
  ClaimRequest,
  type Job,
  type LeaseAnswer,
  LeaseRequest,
  Report,
  type ReportAnswer,
  resourceKey,
  subjects,
} from '@ledgerlift/contracts';
import type { MessageHandler } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/nats-core';
import { JetStreamServer, reportConsumer } from '@ledgerlift/messaging';
import { jobOf } from '@ledgerlift/testing';

/** The planner's side of the bus, with memory instead of a log. A spec can change its answers. */
export class FakePlanner {
  readonly started = new Map<string, AttemptRef>();
  readonly reports = new Map<string, Report>();
  readonly claims: ClaimRequest[] = [];
  leaseMs = 600;
  jobFor = (ref: AttemptRef): Job => jobOf('Initialize', { attempt: ref.attempt });
  bandwidthLimit: number | undefined;
  /** Reason to stop, by stream. */
  readonly stops = new Map<string, string>();
  readonly mute = new Set<'claim' | 'lease' | 'report' | 'reports'>();
  /** Never resolves, for requests that get no answer; rejects when the planner ends. */
  readonly #silence = Promise.withResolvers<never>();
  readonly #server: JetStreamServer;

  constructor(readonly nc: NatsConnection) {
    this.#silence.promise.catch(() => undefined);
    this.#server = new JetStreamServer({
      nc,
      consumers: { reports: { spec: reportConsumer } },
    });
    this.#answer(subjects.allClaims, ClaimRequest, (ref: ClaimRequest) => this.#claim(ref));
    this.#answer(subjects.allLeases, LeaseRequest, (ref: AttemptRef) => this.#lease(ref));
    this.#answer(subjects.allReportsNow, Report, (report: Report) => this.#report(report, 'report'));
    this.#on('reports', Report, async (received) => {
      await this.#report((received as { data: Report }).data, 'reports');
    });
    this.#server.listen((error) => {
      if (error !== undefined) throw new Error('it does not listen', { cause: error });
    });
  }

  async close(): Promise<void> {
    this.#silence.reject(new Error('the planner is gone'));
    await this.#server.close();
  }

  /** Everything reported about the newest attempt of a stream. */
  reported(stream: string): Report | undefined {
    return this.reports.get(stream);
  }

  #claim(ref: ClaimRequest): ClaimAnswer | Promise<never> {
    if (this.mute.has('claim')) return this.#silence.promise;
    this.claims.push(ref);
    const key = `${ref.stream}/${ref.attempt}`;
    const holder = this.started.get(key) ?? ref;
    this.started.set(key, holder);
    if (holder.worker !== ref.worker) return { answer: 'refused', reason: `${holder.worker} has it` };
    const { leaseMs } = this;
    return { answer: 'granted', leaseMs, lastReport: this.#last(ref.stream), job: this.jobFor(ref) };
  }

  #lease(ref: AttemptRef): LeaseAnswer | Promise<never> {
    if (this.mute.has('lease')) return this.#silence.promise;
    const lastReport = this.#last(ref.stream);
    const reason = this.stops.get(ref.stream);
    if (reason !== undefined) return { answer: 'stop', reason, lastReport };
    const limit = this.bandwidthLimit === undefined ? {} : { bandwidthLimit: this.bandwidthLimit };
    return { answer: 'renewed', leaseMs: this.leaseMs, lastReport, ...limit };
  }

  #report(report: Report, way: 'report' | 'reports'): ReportAnswer | Promise<never> {
    if (this.mute.has(way))
      return way === 'report' ? this.#silence.promise : { answer: 'refused', reason: '' };
    const { stream } = report.ref;
    if (report.number > this.#last(stream))
      this.reports.set(stream, together(this.reports.get(stream), report));
    return { answer: 'logged', lastReport: this.#last(stream) };
  }

  #last(stream: string): number {
    return this.reports.get(stream)?.number ?? 0;
  }

  #answer<T>(subject: string, schema: unknown, handle: (body: T) => unknown): void {
    const handler: MessageHandler = async (body: T) => handle(body) as never;
    this.#server.addHandler(subject, handler, false, { schema });
  }

  #on(consumer: string, schema: unknown, handle: (payload: unknown) => Promise<void>): void {
    const handler: MessageHandler = async (payload: unknown) => (await handle(payload)) as never;
    this.#server.addHandler(consumer, handler, true, { schema });
  }
}

/** Merges reports like the log, because a report omits confirmed facts. */
function together(before: Report | undefined, report: Report): Report {
  if (before?.ref.attempt !== report.ref.attempt) return report;
  const again = new Set([
    ...report.claimed.map(resourceKey),
    ...report.released.map(({ resource }) => resourceKey(resource)),
  ]);
  const disks = new Set(report.checkpoints.map(({ diskId }) => diskId));
  const types = new Set(report.conditions.map(({ type }) => type));
  return {
    ...report,
    claimed: [...before.claimed.filter((each) => !again.has(resourceKey(each))), ...report.claimed],
    released: [
      ...before.released.filter(({ resource }) => !again.has(resourceKey(resource))),
      ...report.released,
    ],
    conditions: [...before.conditions.filter(({ type }) => !types.has(type)), ...report.conditions],
    checkpoints: [...before.checkpoints.filter(({ diskId }) => !disks.has(diskId)), ...report.checkpoints],
  };
}
