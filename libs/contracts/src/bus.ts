import { z } from 'zod';
import { VmStateName } from './api/migration.js';
import { Condition } from './conditions.js';
import { VmRecord } from './events.js';
import {
  DiskCheckpoint,
  Release,
  Resource,
  ServiceName,
  StepError,
  StepName,
  StepOutcome,
  StepResult,
  TransferPass,
} from './steps.js';
import { HookSpec } from './definitions.js';

/** Everything on NATS: streams, subjects and message shapes. Nothing else declares them. */

export const SUBJECT_ROOT = 'ledgerlift';

export const streams = {
  events: { name: 'LEDGERLIFT_EVENTS', subjects: [`${SUBJECT_ROOT}.events.>`] },
  reports: { name: 'LEDGERLIFT_REPORTS', subjects: [`${SUBJECT_ROOT}.reports.>`] },
  inbox: { name: 'LEDGERLIFT_INBOX', subjects: [`${SUBJECT_ROOT}.inbox.>`] },
  dead: { name: 'LEDGERLIFT_DEAD', subjects: [`${SUBJECT_ROOT}.dead.>`] },
} as const;

/** Headers in addition to the CloudEvent. */
export const headers = {
  /**
   * On EVENTS: every event of the log up to this one has been published; `{id} {stream} {revision}`. The relay resumes after it. A
   * message that is sent before its predecessors were confirmed names an earlier event, or none.
   */
  published: 'Ledgerlift-Published',
  /** The same as a position in the log; of versions before 0.2, whose logs were never moved to another engine. */
  position: 'Ledgerlift-Position',
} as const;

export const subjects = {
  /**
   * ledgerlift.events.vm.{id}.StepRequested.transfer.local (for a pod: ….local.{pod}), otherwise
   * ledgerlift.events.{category}.{id}.{type}
   */
  event: (stream: string, type: string): string => `${SUBJECT_ROOT}.events.${streamSubject(stream)}.${type}`,
  stepRequested: (stream: string, service: ServiceName, site: string): string =>
    `${SUBJECT_ROOT}.events.${streamSubject(stream)}.StepRequested.${service}.${site}`,
  /** Filter for step requests to one service at one site. */
  stepRequestsFor: (service: ServiceName, site: string): string =>
    `${SUBJECT_ROOT}.events.vm.*.StepRequested.${service}.${site}`,
  /** Filter for step requests to the pods of a site, for every service. */
  podRequestsFor: (site: string): string => `${SUBJECT_ROOT}.events.vm.*.StepRequested.*.${site}.*`,
  report: (stream: string): string => `${SUBJECT_ROOT}.reports.${streamSubject(stream)}`,
  reports: `${SUBJECT_ROOT}.reports.>`,
  progress: (stream: string): string => `${SUBJECT_ROOT}.progress.${streamSubject(stream)}`,
  allProgress: `${SUBJECT_ROOT}.progress.>`,
  /** Core NATS, no stream: stops the worker at once; the lease answer says the same a little later. */
  stop: (stream: string): string => `${SUBJECT_ROOT}.stop.${streamSubject(stream)}`,
  /** Every worker of a service at a site answers with its capabilities. */
  capabilities: (service: ServiceName, site: string): string =>
    `${SUBJECT_ROOT}.rpc.capabilities.${service}.${site}`,
  /** ledgerlift.rpc.claim.vm.{id}, so that a worker's credential can be limited to one VM. */
  claim: (stream: string): string => `${SUBJECT_ROOT}.rpc.claim.${streamSubject(stream)}`,
  lease: (stream: string): string => `${SUBJECT_ROOT}.rpc.lease.${streamSubject(stream)}`,
  reportNow: (stream: string): string => `${SUBJECT_ROOT}.rpc.report.${streamSubject(stream)}`,
  allClaims: `${SUBJECT_ROOT}.rpc.claim.*.*`,
  allLeases: `${SUBJECT_ROOT}.rpc.lease.*.*`,
  allReportsNow: `${SUBJECT_ROOT}.rpc.report.*.*`,
  /** The subjects of workers of older versions, for every VM. */
  bare: {
    claim: `${SUBJECT_ROOT}.rpc.claim`,
    lease: `${SUBJECT_ROOT}.rpc.lease`,
    reportNow: `${SUBJECT_ROOT}.rpc.report`,
  },
  /** Requests the credential of a pod, at the site to which the pod belongs. */
  podCredential: (site: string): string => `${SUBJECT_ROOT}.rpc.pod.${site}`,
  allPodCredentials: `${SUBJECT_ROOT}.rpc.pod.*`,
  /** Unreadable messages of a JetStream stream; older workers put all of them here. */
  dead: (stream: string): string => `${SUBJECT_ROOT}.dead.${stream}`,
  /** ledgerlift.dead.LEDGERLIFT_EVENTS.vm.{id}: unreadable messages about one VM. */
  deadOf: (stream: string, about: string): string => `${SUBJECT_ROOT}.dead.${stream}.${streamSubject(about)}`,
  api: (resource: string, verb: string): string => `${SUBJECT_ROOT}.api.${resource}.${verb}`,
} as const;

/** `vm-abc-0` → `vm.abc-0`; `schedule` → `schedule.all`. */
function streamSubject(stream: string): string {
  const cut = stream.indexOf('-');
  return cut < 0 ? `${stream}.all` : `${stream.slice(0, cut)}.${stream.slice(cut + 1)}`;
}

const TYPE = /^io\.ledgerlift\.([A-Za-z]+)\.v(\d+)$/;

/** `StepRequested`, 1 → `io.ledgerlift.StepRequested.v1` */
export const cloudEventType = (type: string, version: number): string => `io.ledgerlift.${type}.v${version}`;

/** The reverse of `cloudEventType`; undefined for a type that is not ours. */
export function typeOfCloudEvent(
  text: string,
): { readonly type: string; readonly version: number } | undefined {
  const [, type, digits] = TYPE.exec(text) ?? [];
  return type === undefined ? undefined : { type, version: Number(digits) };
}

export const cloudEventSource = (installation: string, stream: string): string =>
  `/ledgerlift/${installation}/${stream}`;

/** CloudEvents 1.0, structured JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). */
export const CloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  /** The stream, as `/ledgerlift/{installation}/{stream}`. */
  source: z.string().min(1),
  /** `io.ledgerlift.{EventType}.v{version}` */
  type: z.string().regex(/^io\.ledgerlift\.[A-Za-z]+\.v\d+$/),
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  traceparent: z.string().optional(),
  correlationid: z.string(),
  causationid: z.string(),
  actor: z.string().optional(),
  revision: z.int().min(0).optional(),
  position: z.string().optional(),
  hash: z.string().optional(),
  data: z.unknown().optional(),
  /**
   * Replaces `data` that is too large for a message: its address, relative to the planner's
   * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/dataref.md).
   */
  dataref: z.string().min(1).optional(),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

export const StepRequestedData = z.object({
  step: StepName,
  attempt: z.int().min(1),
  service: ServiceName,
  site: z.string(),
  hook: z.string().optional(),
  release: z.array(Resource).optional(),
});
export type StepRequestedData = z.infer<typeof StepRequestedData>;

export const AttemptRef = z.object({
  /** The VM's stream, `vm-{migration}-{n}`. */
  stream: z.string().min(1),
  step: StepName,
  attempt: z.int().min(1),
  /** One process of one service: `{service}/{host}/{start id}`. */
  worker: z.string().min(1),
});
export type AttemptRef = z.infer<typeof AttemptRef>;

/** The step that failed a VM, and its error. */
export const Failure = z.object({
  index: z.int().min(0),
  name: z.string(),
  step: StepName,
  error: StepError,
});
export type Failure = z.infer<typeof Failure>;

/** Everything that a worker needs for one attempt, from the log. */
export const Job = z.object({
  record: VmRecord,
  step: StepName,
  attempt: z.int().min(1),
  /**
   * Results of completed steps that are still needed, oldest first: the last of each step, and the snapshot that the last
   * complete round read. Does not grow with the number of rounds.
   */
  results: z.array(StepResult),
  /** Number of completed conversions; a planner of an older version sends each result instead. */
  conversions: z.int().min(0).optional(),
  checkpoints: z.array(DiskCheckpoint),
  /** Resources claimed and not released. */
  ledger: z.array(Resource),
  /** Cleanup only: the resources to remove. */
  release: z.array(Resource),
  /** DiskTransfer, SnapshotCreation and SnapshotRemoval: the round. */
  pass: TransferPass.optional(),
  /**
   * SourcePowerOff only. An earlier attempt may have powered the source off. Confirm that it is off; if it is on, leave it on and
   * report the attempt as stopped.
   */
  powerOff: z.literal('only-if-off').optional(),
  /** SourcePowerOff only. Bytes that VMs already powered off will still write at the target. */
  roomTaken: z.int().min(0).optional(),
  /** PreHook, CutoverHook, PostHook and FailureHook: the hook to run. */
  hook: HookSpec.optional(),
  /** Failure hooks only: the failure of the VM, or of the first VMs of its plan. */
  failures: z.object({ count: z.int().min(1), first: z.array(Failure) }).optional(),
});
export type Job = z.infer<typeof Job>;

/**
 * Raised when an older worker would misunderstand a request. The planner refuses claims with an older protocol, and leaves the
 * request to a worker of its own version.
 *
 * - 2: conversions are counted in the job, checkpoints name their chunks by a digest, and a power-off may be `only-if-off`.
 */
export const WORKER_PROTOCOL = 2;

/** `protocol`: the worker's protocol version; 1 if absent. */
export const ClaimRequest = AttemptRef.extend({ protocol: z.int().min(1).optional() });
export type ClaimRequest = z.infer<typeof ClaimRequest>;
export const ClaimAnswer = z.discriminatedUnion('answer', [
  z.object({
    answer: z.literal('granted'),
    leaseMs: z.int().min(1),
    lastReport: z.int().min(0),
    job: Job,
    /** Bytes a second, as of now; each lease answer updates it. */
    bandwidthLimit: z.int().optional(),
  }),
  /** Another worker has claimed the attempt, it has ended, or it never existed: drop it. */
  z.object({ answer: z.literal('refused'), reason: z.string() }),
]);
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

export const LeaseRequest = AttemptRef;
export const LeaseAnswer = z.discriminatedUnion('answer', [
  z.object({
    answer: z.literal('renewed'),
    leaseMs: z.int().min(1),
    /** Number of the last report in the log: the worker repeats later facts. */
    lastReport: z.int().min(0),
    bandwidthLimit: z.int().optional(),
  }),
  /** Stop the I/O, leave everything as it is, and report only that the attempt stopped. */
  z.object({ answer: z.literal('stop'), reason: z.string(), lastReport: z.int().min(0) }),
]);
export type LeaseAnswer = z.infer<typeof LeaseAnswer>;

/**
 * Cumulative: report N repeats every fact of reports 1..N-1 that the log has not confirmed, so that a lost report does no harm
 * and reports of a long attempt do not grow. On REPORTS it is the data of a CloudEvent `io.ledgerlift.StepReported.v1`. A
 * resource that was claimed and released again is in `released` only.
 */
export const Report = z.object({
  ref: AttemptRef,
  number: z.int().min(1),
  claimed: z.array(Resource),
  /** Existing resources that are used; we never remove them. */
  adopted: z.array(Resource).optional(),
  released: z.array(Release),
  conditions: z.array(Condition),
  checkpoints: z.array(DiskCheckpoint),
  outcome: StepOutcome.optional(),
});
export type Report = z.infer<typeof Report>;

export const ReportAnswer = z.discriminatedUnion('answer', [
  z.object({ answer: z.literal('logged'), lastReport: z.int().min(0) }),
  z.object({ answer: z.literal('refused'), reason: z.string() }),
]);
export type ReportAnswer = z.infer<typeof ReportAnswer>;

/** On `subjects.stop(stream)`: all current attempts of the VM must stop at once. */
export const StopMessage = z.object({ reason: z.string() });
export type StopMessage = z.infer<typeof StopMessage>;

/** Bytes and messages of a running step. Not part of the history. */
export const Progress = z.object({
  ref: AttemptRef,
  items: z.array(
    z.object({
      name: z.string(),
      done: z.number(),
      total: z.number(),
      unit: z.enum(['bytes', 'percent', 'steps']),
    }),
  ),
  message: z.string(),
  at: z.iso.datetime(),
});
export type Progress = z.infer<typeof Progress>;

/** The KV bucket of running VMs, for watchers that do not want to poll, such as a console or a CMDB. */
export const progressBucket = {
  name: 'LEDGERLIFT_PROGRESS',
  /** `vm-{migration}-{n}` → `{migration}.{n}`; so `{migration}.*` matches all VMs of a migration. */
  key: (stream: string): string => stream.replace(/^vm-(.+)-(\d+)$/, '$1.$2'),
  stream: (key: string): string => key.replace(/^(.+)\.(\d+)$/, 'vm-$1-$2'),
} as const;

/** Value of a key in the bucket: one VM that has begun and not ended. */
export const ProgressEntry = z.object({
  migrationId: z.string(),
  index: z.int().min(0),
  planId: z.string(),
  name: z.string(),
  state: VmStateName,
  step: StepName.optional(),
  progressPercent: z.int().min(0).max(100),
  /** Items of the current attempt. */
  items: Progress.shape.items,
  message: z.string(),
  /** When the planner wrote it. */
  at: z.iso.datetime(),
});
export type ProgressEntry = z.infer<typeof ProgressEntry>;

/** The reply to a request that failed. */
export const ErrorReply = z.object({
  error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
});
export type ErrorReply = z.infer<typeof ErrorReply>;

/** An unreadable message as stored in DEAD, with the original. */
export const DeadLetter = z.object({
  reason: z.string(),
  code: z.string(),
  subject: z.string(),
  stream: z.string(),
  sequence: z.int().min(0),
  at: z.iso.datetime(),
  /** base64 */
  original: z.string(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** A worker's capabilities, requested before anything starts. A missing tool has neither version nor path. */
export const WorkerCapabilities = z.object({
  service: ServiceName,
  site: z.string(),
  worker: z.string(),
  tools: z.array(
    z.object({
      name: z.string(),
      version: z.string().nullable(),
      path: z.string().nullable(),
      /** Why it cannot be used, and what to do. */
      problem: z.string().optional(),
    }),
  ),
});
export type WorkerCapabilities = z.infer<typeof WorkerCapabilities>;
