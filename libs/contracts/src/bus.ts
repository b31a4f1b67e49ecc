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
import { HookSpec } from './specs.js';

/** What goes over NATS: the streams, the subjects and the shapes. Everything is declared here and nowhere else. */

export const SUBJECT_ROOT = 'ledgerlift';

export const streams = {
  events: { name: 'LEDGERLIFT_EVENTS', subjects: [`${SUBJECT_ROOT}.events.>`] },
  reports: { name: 'LEDGERLIFT_REPORTS', subjects: [`${SUBJECT_ROOT}.reports.>`] },
  inbox: { name: 'LEDGERLIFT_INBOX', subjects: [`${SUBJECT_ROOT}.inbox.>`] },
  dead: { name: 'LEDGERLIFT_DEAD', subjects: [`${SUBJECT_ROOT}.dead.>`] },
} as const;

/** Headers beside the CloudEvent. */
export const headers = {
  /**
   * On EVENTS: every event of the log up to this position has been published. The relay resumes after it. A message
   * that went out before its forerunners were confirmed carries an earlier one, or none.
   */
  position: 'Ledgerlift-Position',
} as const;

export const subjects = {
  /** ledgerlift.events.vm.{id}.StepRequested.transfer.local (of a pod: ….local.{pod}), else ledgerlift.events.{category}.{id}.{type} */
  event: (stream: string, type: string): string => `${SUBJECT_ROOT}.events.${streamSubject(stream)}.${type}`,
  stepRequested: (stream: string, service: ServiceName, site: string): string =>
    `${SUBJECT_ROOT}.events.${streamSubject(stream)}.StepRequested.${service}.${site}`,
  /** Filter for what one service at one site is asked to do. */
  stepRequestsFor: (service: ServiceName, site: string): string =>
    `${SUBJECT_ROOT}.events.vm.*.StepRequested.${service}.${site}`,
  /** Filter for what the pods of a site are asked to do, whatever their service. */
  podRequestsFor: (site: string): string => `${SUBJECT_ROOT}.events.vm.*.StepRequested.*.${site}.*`,
  report: (stream: string): string => `${SUBJECT_ROOT}.reports.${streamSubject(stream)}`,
  reports: `${SUBJECT_ROOT}.reports.>`,
  progress: (stream: string): string => `${SUBJECT_ROOT}.progress.${streamSubject(stream)}`,
  allProgress: `${SUBJECT_ROOT}.progress.>`,
  /** Core NATS, no stream: tells the worker at once; the lease answer says the same a little later. */
  stop: (stream: string): string => `${SUBJECT_ROOT}.stop.${streamSubject(stream)}`,
  /** Every worker of a service at a site answers what it can do. */
  capabilities: (service: ServiceName, site: string): string =>
    `${SUBJECT_ROOT}.rpc.capabilities.${service}.${site}`,
  /** ledgerlift.rpc.claim.vm.{id}: a worker may be allowed the subjects of one VM only. */
  claim: (stream: string): string => `${SUBJECT_ROOT}.rpc.claim.${streamSubject(stream)}`,
  lease: (stream: string): string => `${SUBJECT_ROOT}.rpc.lease.${streamSubject(stream)}`,
  reportNow: (stream: string): string => `${SUBJECT_ROOT}.rpc.report.${streamSubject(stream)}`,
  allClaims: `${SUBJECT_ROOT}.rpc.claim.*.*`,
  allLeases: `${SUBJECT_ROOT}.rpc.lease.*.*`,
  allReportsNow: `${SUBJECT_ROOT}.rpc.report.*.*`,
  /** Where workers of older versions ask, whichever VM it is about. */
  bare: {
    claim: `${SUBJECT_ROOT}.rpc.claim`,
    lease: `${SUBJECT_ROOT}.rpc.lease`,
    reportNow: `${SUBJECT_ROOT}.rpc.report`,
  },
  /** Asks for the credential of a pod, at the site that the pod belongs to. */
  podCredential: (site: string): string => `${SUBJECT_ROOT}.rpc.pod.${site}`,
  allPodCredentials: `${SUBJECT_ROOT}.rpc.pod.*`,
  /** Messages of a JetStream stream that could not be understood; older workers put all of them here. */
  dead: (stream: string): string => `${SUBJECT_ROOT}.dead.${stream}`,
  /** ledgerlift.dead.LEDGERLIFT_EVENTS.vm.{id}: those about one VM. */
  deadOf: (stream: string, about: string): string => `${SUBJECT_ROOT}.dead.${stream}.${streamSubject(about)}`,
  api: (resource: string, verb: string): string => `${SUBJECT_ROOT}.api.${resource}.${verb}`,
} as const;

/** `vm-abc-0` → `vm.abc-0`; `schedule` → `schedule.all`. */
function streamSubject(stream: string): string {
  const cut = stream.indexOf('-');
  return cut < 0 ? `${stream}.all` : `${stream.slice(0, cut)}.${stream.slice(cut + 1)}`;
}

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
   * In place of `data` that is too large for a message: where it can be read, relative to the planner's address
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

/** Of which step a VM failed, and what that said. */
export const Failure = z.object({
  index: z.int().min(0),
  name: z.string(),
  step: StepName,
  error: StepError,
});
export type Failure = z.infer<typeof Failure>;

/** All that a worker needs for one attempt, as the log has it. */
export const Job = z.object({
  record: VmRecord,
  step: StepName,
  attempt: z.int().min(1),
  /**
   * What completed steps say that may still be asked for, oldest first: the last result of each, and the snapshot that
   * the last complete pass read. It does not grow with the number of passes.
   */
  results: z.array(StepResult),
  /** How many conversions were completed so far; a planner of an older version sends each result instead. */
  conversions: z.int().min(0).optional(),
  checkpoints: z.array(DiskCheckpoint),
  /** Claimed and not released. */
  ledger: z.array(Resource),
  /** Cleanup only: what this attempt is to remove. */
  release: z.array(Resource),
  /** DiskTransfer, SnapshotCreation and SnapshotRemoval: of which pass. */
  pass: TransferPass.optional(),
  /**
   * SourcePowerOff only. The source may be off by an earlier attempt: see it off, and where it is not leave it on, and say
   * that the attempt was stopped.
   */
  powerOff: z.literal('only-if-off').optional(),
  /** SourcePowerOff only. Bytes at the target that VMs whose power-off came before will still write. */
  roomTaken: z.int().min(0).optional(),
  /** PreHook, CutoverHook, PostHook and FailureHook: what is to be run. */
  hook: HookSpec.optional(),
  /** A hook on failure only: of what the VM failed, or the first VMs of its plan. */
  failures: z.object({ count: z.int().min(1), first: z.array(Failure) }).optional(),
});
export type Job = z.infer<typeof Job>;

/**
 * Raised when a worker of before would do something else than it is asked for. A claim of an older one is refused, and the
 * request is left for a worker of this version.
 *
 * - 2: conversions are counted in the job, checkpoints name their chunks by a digest, and a power-off may be `only-if-off`.
 */
export const WORKER_PROTOCOL = 2;

/** `protocol`: what the worker understands; left out by those who understand 1. */
export const ClaimRequest = AttemptRef.extend({ protocol: z.int().min(1).optional() });
export type ClaimRequest = z.infer<typeof ClaimRequest>;
export const ClaimAnswer = z.discriminatedUnion('answer', [
  z.object({
    answer: z.literal('granted'),
    leaseMs: z.int().min(1),
    lastReport: z.int().min(0),
    job: Job,
    /** Bytes a second, as of now; each lease answer says it again. */
    bandwidthLimit: z.int().optional(),
  }),
  /** Somebody else has it, it is over, or it never was: not ours to do. */
  z.object({ answer: z.literal('refused'), reason: z.string() }),
]);
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

export const LeaseRequest = AttemptRef;
export const LeaseAnswer = z.discriminatedUnion('answer', [
  z.object({
    answer: z.literal('renewed'),
    leaseMs: z.int().min(1),
    /** Last report number that is in the log: the worker repeats what is newer. */
    lastReport: z.int().min(0),
    bandwidthLimit: z.int().optional(),
  }),
  /** Stop the I/O, leave the world as it is, report nothing but that it stopped. */
  z.object({ answer: z.literal('stop'), reason: z.string(), lastReport: z.int().min(0) }),
]);
export type LeaseAnswer = z.infer<typeof LeaseAnswer>;

/**
 * Cumulative: report N says all that reports 1..N-1 said and that is not known to be in the log, so that a lost one does
 * no harm and a long attempt's reports do not grow. On REPORTS it is the data of a
 * CloudEvent `io.ledgerlift.StepReported.v1`. A resource that was claimed and released again is in `released` only.
 */
export const Report = z.object({
  ref: AttemptRef,
  number: z.int().min(1),
  claimed: z.array(Resource),
  /** Was there before, and is used: nobody of ours will remove it. */
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

/** On `subjects.stop(stream)`: all attempts of the VM that are under way are to stop at once. */
export const StopMessage = z.object({ reason: z.string() });
export type StopMessage = z.infer<typeof StopMessage>;

/** Not history: bytes and messages of a step that is under way. */
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

/** The bucket of what is under way, for whoever draws it and does not want to ask: a console, a CMDB. */
export const progressBucket = {
  name: 'LEDGERLIFT_PROGRESS',
  /** `vm-{migration}-{n}` → `{migration}.{n}`; so `{migration}.*` is all of a migration. */
  key: (stream: string): string => stream.replace(/^vm-(.+)-(\d+)$/, '$1.$2'),
  stream: (key: string): string => key.replace(/^(.+)\.(\d+)$/, 'vm-$1-$2'),
} as const;

/** Value of a key in the bucket: one VM that has begun and is not at its end. */
export const ProgressEntry = z.object({
  migrationId: z.string(),
  index: z.int().min(0),
  planId: z.string(),
  name: z.string(),
  state: VmStateName,
  step: StepName.optional(),
  progressPercent: z.int().min(0).max(100),
  /** Of the attempt that is under way. */
  items: Progress.shape.items,
  message: z.string(),
  /** When the planner wrote it. */
  at: z.iso.datetime(),
});
export type ProgressEntry = z.infer<typeof ProgressEntry>;

/** What a request/reply gives back instead of its answer when it failed. */
export const ErrorReply = z.object({
  error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
});
export type ErrorReply = z.infer<typeof ErrorReply>;

/** A message that could not be understood, with the original, as it stands in DEAD. */
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

/** What a worker can do, asked before anything starts. A tool that is missing has neither version nor path. */
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
