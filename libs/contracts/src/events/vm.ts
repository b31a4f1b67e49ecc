import { z } from 'zod';
import { Condition } from '../conditions.js';
import {
  DiskCheckpoint,
  EndingStepName,
  ItineraryStep,
  Release,
  Resource,
  ServiceName,
  StepError,
  StepName,
  StepResult,
} from '../steps.js';
import { VmRecord } from './record.js';

const ofAttempt = { step: StepName, attempt: z.int().min(1) };
/** Number of the worker's report that led to the event; 0 if the planner decided by itself. */
const report = z.int().min(0);
const reason = z.string();
const kept = z.array(z.object({ resource: Resource, reason }));
const request = {
  ...ofAttempt,
  service: ServiceName,
  site: z.string(),
  hook: z.string().optional(),
  release: z.array(Resource).optional(),
};
const terminal = z.object({ condition: Condition, kept });

export const Outcome = z.enum(['succeeded', 'failed', 'canceled', 'rolled-back']);
export type Outcome = z.infer<typeof Outcome>;

/** Expected milliseconds from the source's power-off to the target's start, and their parts. */
export const Forecast = z.object({
  downtimeMs: z.number().min(0),
  shutdownMs: z.number().min(0),
  snapshotMs: z.number().min(0),
  deltaMs: z.number().min(0),
  conversionMs: z.number().min(0),
  bootMs: z.number().min(0),
  /** Bytes of the last delta, and the rate at which they are expected to be copied. */
  deltaBytes: z.number().min(0),
  bytesPerSecond: z.number().min(0),
});
export type Forecast = z.infer<typeof Forecast>;

/** What a clean-up after the end removes. */
export const LaterCleanup = z.enum(['leftovers', 'target']);
export type LaterCleanup = z.infer<typeof LaterCleanup>;

/** One step of a VM's end. */
export const EndingStep = z.object({
  step: EndingStepName,
  service: ServiceName,
  site: z.string(),
  hook: z.string().optional(),
});
export type EndingStep = z.infer<typeof EndingStep>;

/** On `vm-{migration}-{n}`: one VM in one run. */
export const vmEvents = {
  VmMigrationPlanned: {
    version: 4,
    data: z.object({ record: VmRecord, itinerary: z.array(ItineraryStep).min(1) }),
  },
  VmMigrationAdmitted: { version: 1, data: z.object({}) },
  ResourceClaimed: { version: 1, data: z.object({ ...ofAttempt, report, resource: Resource }) },
  /** An existing resource is used, and no policy ever deletes it. */
  ResourceAdopted: { version: 1, data: z.object({ ...ofAttempt, report, resource: Resource }) },
  ResourceReleased: { version: 1, data: z.object({ ...ofAttempt, report, ...Release.shape }) },
  StepRequested: { version: 1, data: z.object(request) },
  /** The next step removes snapshots, and is requested once the VM has a removal slot. */
  RemovalSlotAwaited: { version: 1, data: z.object(request) },
  StepStarted: { version: 1, data: z.object({ ...ofAttempt, worker: z.string() }) },
  StepCheckpointed: {
    version: 1,
    data: z.object({ ...ofAttempt, report, checkpoints: z.array(DiskCheckpoint) }),
  },
  ConditionRaised: { version: 1, data: z.object({ ...ofAttempt, report, condition: Condition }) },
  StepCompleted: { version: 1, data: z.object({ ...ofAttempt, report, result: StepResult }) },
  StepFailed: {
    version: 1,
    data: z.object({ ...ofAttempt, report, error: StepError, lost: z.boolean() }),
  },
  /** The attempt stopped when told to (for a pause or a cutover), or was withdrawn before a worker claimed it. */
  StepStopped: { version: 1, data: z.object({ ...ofAttempt, report, reason }) },
  /** The step failed for good, and the plan continues without it. */
  StepPassedOver: { version: 1, data: z.object(ofAttempt) },
  RetryScheduled: {
    version: 1,
    data: z.object({ step: StepName, attempt: z.int().min(2), dueAt: z.iso.datetime() }),
  },
  /** A round is complete, and the next begins at `dueAt`; without it, none does before the cutover. */
  PrecopyScheduled: {
    version: 1,
    data: z.object({ round: z.int().min(1), dueAt: z.iso.datetime().optional(), forecast: Forecast }),
  },
  PrecopyStarted: { version: 1, data: z.object({ round: z.int().min(1) }) },
  /** An operator or the plan's policy scheduled the cutover; a later event replaces an earlier one. */
  CutoverScheduled: {
    version: 1,
    data: z.object({
      by: z.enum(['command', 'time', 'window', 'downtime']),
      dueAt: z.iso.datetime(),
      reason,
      forecast: Forecast,
      /** Name of the requester, if any. */
      askedBy: z.string().optional(),
      /**
       * Whether the policy's windows and limit apply at the power-off, or an operator overrides them. An event with this field
       * voids the approval of an earlier request; older events, without it, do not.
       */
      windows: z.enum(['kept', 'overridden']).optional(),
    }),
  },
  /** The cutover came due during a round: decides which choice has the shorter downtime. */
  CutoverPassDecided: {
    version: 1,
    data: z.object({
      pass: z.enum(['finish', 'break-off']),
      /** Expected downtimes in milliseconds. */
      downtimeMs: z.object({ finish: z.number(), breakOff: z.number() }),
    }),
  },
  /**
   * The cutover was due, but its window was closed or its downtime over the limit. It waits until `dueAt`; without that, until a
   * round has made the expected downtime short enough. An approval is void.
   */
  CutoverDeferred: {
    version: 1,
    data: z.object({ reason, dueAt: z.iso.datetime().optional(), forecast: Forecast }),
  },
  /** The cutover is no longer scheduled. `next`: whether the plan's policy may schedule another, or only an operator. */
  CutoverWithdrawn: { version: 1, data: z.object({ reason, next: z.enum(['policy', 'command']) }) },
  CutoverApproved: {
    version: 1,
    data: z.object({
      reason,
      /** The approved request. */
      request: z.object({ dueAt: z.iso.datetime(), askedBy: z.string().optional() }).optional(),
    }),
  },
  /** The plan's hooks at the cutover are done, so the VM may begin its own cutover. */
  CutoverReleased: { version: 1, data: z.object({ hooks: z.array(z.string()) }) },
  CutoverStarted: {
    version: 1,
    data: z.object({
      round: z.int().min(1),
      forecast: Forecast,
      /** Whether a running round was completed, or broken off at a checkpoint. */
      pass: z.enum(['complete', 'broken-off']),
    }),
  },
  /** Not warm: the source may not be powered off outside the windows. The VM waits without a slot. */
  PowerOffDeferred: { version: 1, data: z.object({ reason, dueAt: z.iso.datetime() }) },
  /** The window that the VM waited for is open: it wants a slot. */
  PowerOffDue: { version: 1, data: z.object({}) },
  TestBootRequested: { version: 1, data: z.object({ reason }) },
  TestBootEnded: {
    version: 1,
    data: z.object({ booted: z.boolean(), evidence: z.string(), error: StepError.optional() }),
  },
  PauseRequested: { version: 1, data: z.object({ reason }) },
  /** The VM no longer has a running attempt. */
  VmMigrationPaused: { version: 1, data: z.object({}) },
  ResumeRequested: { version: 1, data: z.object({ reason }) },
  /** The source ran after its power-off: the steps from the power-off on are repeated. */
  SourceRanMeanwhile: { version: 1, data: z.object({ ...ofAttempt, report, reason }) },
  /** The snapshot being read is gone: another is made, and the data copied so far is kept. */
  SnapshotLost: { version: 1, data: z.object({ ...ofAttempt, report, reason }) },
  CancelRequested: { version: 1, data: z.object({ reason }) },
  RetryRequested: {
    version: 3,
    data: z.object({ step: StepName, reason, record: VmRecord.optional() }),
  },
  RollbackRequested: {
    version: 1,
    data: z.object({
      reason,
      /** Data written at the target between these times is not in the source. */
      lostFrom: z.iso.datetime(),
      lostTo: z.iso.datetime(),
    }),
  },
  /** Which resources are released or kept, and why: decided once, before anything is removed. */
  CleanupDecided: {
    version: 2,
    data: z.object({
      outcome: Outcome,
      cause: StepError.optional(),
      /** Steps to do, in this order, before resources are released. */
      steps: z.array(EndingStep),
      release: z.array(Resource),
      keep: kept,
      /** Set if requested after the end; the outcome stays. */
      later: LaterCleanup.optional(),
    }),
  },
  VmMigrationSucceeded: { version: 1, data: terminal },
  VmMigrationFailed: { version: 1, data: terminal },
  VmMigrationCanceled: { version: 1, data: terminal },
  VmMigrationRolledBack: { version: 1, data: terminal },
  /**
   * After the end: removes resources that an earlier clean-up could not (`leftovers`), or a target that was allowed to start
   * (`target`), which nothing else removes.
   */
  CleanupRequested: { version: 1, data: z.object({ reason, what: LaterCleanup }) },
  /** An operator abandoned a failed VM: resources kept for a retry are released. */
  VmMigrationAbandoned: { version: 1, data: z.object({ reason }) },
} as const;
