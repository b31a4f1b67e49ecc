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
/** Number of the worker's report that led to the event; 0 where the planner decided by itself. */
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

/** Expected milliseconds from the source's power-off to the target's start, and of what they consist. */
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

/** What a clean-up that is asked for after the end removes. */
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
  /** What was there before and is used: no policy ever deletes it. */
  ResourceAdopted: { version: 1, data: z.object({ ...ofAttempt, report, resource: Resource }) },
  ResourceReleased: { version: 1, data: z.object({ ...ofAttempt, report, ...Release.shape }) },
  StepRequested: { version: 1, data: z.object(request) },
  /** What comes next removes snapshots: it is asked for when the VM has its turn. */
  RemovalTurnAwaited: { version: 1, data: z.object(request) },
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
  /** It was told to stop (for a pause or a cutover), or was taken back before anybody had it. */
  StepStopped: { version: 1, data: z.object({ ...ofAttempt, report, reason }) },
  /** It failed for good, and the plan says to go on without it. */
  StepPassedOver: { version: 1, data: z.object(ofAttempt) },
  RetryScheduled: {
    version: 1,
    data: z.object({ step: StepName, attempt: z.int().min(2), dueAt: z.iso.datetime() }),
  },
  /** A pass is over, and the next begins at `dueAt`; without it none does before the cutover. */
  PrecopyScheduled: {
    version: 1,
    data: z.object({ round: z.int().min(1), dueAt: z.iso.datetime().optional(), forecast: Forecast }),
  },
  PrecopyStarted: { version: 1, data: z.object({ round: z.int().min(1) }) },
  /** The cutover was asked for, or its policy says when it is; a later one replaces an earlier. */
  CutoverScheduled: {
    version: 1,
    data: z.object({
      by: z.enum(['command', 'time', 'window', 'downtime']),
      dueAt: z.iso.datetime(),
      reason,
      forecast: Forecast,
      /** Name of who asked, where somebody did. */
      askedBy: z.string().optional(),
      /**
       * Whether the policy's windows and limit hold at the moment of the power-off, or an operator overrides them. Such a
       * request voids the approval of an earlier one; older events, without it, did not.
       */
      windows: z.enum(['kept', 'overridden']).optional(),
    }),
  },
  /** The cutover is due while a pass is under way: which of the two has the shorter downtime. */
  CutoverPassDecided: {
    version: 1,
    data: z.object({
      pass: z.enum(['finish', 'break-off']),
      /** Expected downtimes in milliseconds. */
      downtimeMs: z.object({ finish: z.number(), breakOff: z.number() }),
    }),
  },
  /**
   * It was due, but its window was closed or its downtime over the limit: it waits for `dueAt`; without it, until a pass has
   * made the expected downtime short enough. An approval is void.
   */
  CutoverDeferred: {
    version: 1,
    data: z.object({ reason, dueAt: z.iso.datetime().optional(), forecast: Forecast }),
  },
  /** No cutover is scheduled any more. `next`: who schedules another, the plan's policy or nobody but an operator. */
  CutoverWithdrawn: { version: 1, data: z.object({ reason, next: z.enum(['policy', 'command']) }) },
  CutoverApproved: {
    version: 1,
    data: z.object({
      reason,
      /** The one request that is approved. */
      request: z.object({ dueAt: z.iso.datetime(), askedBy: z.string().optional() }).optional(),
    }),
  },
  /** The plan's hooks at the cutover are done: from here on the VM may begin its own. */
  CutoverReleased: { version: 1, data: z.object({ hooks: z.array(z.string()) }) },
  CutoverStarted: {
    version: 1,
    data: z.object({
      round: z.int().min(1),
      forecast: Forecast,
      /** Whether a pass that was under way was waited for, or broken off at a checkpoint. */
      pass: z.enum(['complete', 'broken-off']),
    }),
  },
  /** Not warm: the source may not be powered off outside the windows. The VM waits without a place. */
  PowerOffDeferred: { version: 1, data: z.object({ reason, dueAt: z.iso.datetime() }) },
  /** The window is open that it waited for: it wants a place. */
  PowerOffDue: { version: 1, data: z.object({}) },
  TestBootRequested: { version: 1, data: z.object({ reason }) },
  TestBootEnded: {
    version: 1,
    data: z.object({ booted: z.boolean(), evidence: z.string(), error: StepError.optional() }),
  },
  PauseRequested: { version: 1, data: z.object({ reason }) },
  /** Nothing of the VM is under way any more. */
  VmMigrationPaused: { version: 1, data: z.object({}) },
  ResumeRequested: { version: 1, data: z.object({ reason }) },
  /** The source ran after it was powered off: what follows the power-off is done again. */
  SourceRanMeanwhile: { version: 1, data: z.object({ ...ofAttempt, report, reason }) },
  /** The snapshot that was being read is gone: another is made, and what the last one brought is kept. */
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
      /** What was written at the target between these times is not in the source. */
      lostFrom: z.iso.datetime(),
      lostTo: z.iso.datetime(),
    }),
  },
  /** What is released and what is kept, and why: decided once, before anything is removed. */
  CleanupDecided: {
    version: 2,
    data: z.object({
      outcome: Outcome,
      cause: StepError.optional(),
      /** Done in this order before resources are released. */
      steps: z.array(EndingStep),
      release: z.array(Resource),
      keep: kept,
      /** It was asked for after the end, and the end stays what it was. */
      later: LaterCleanup.optional(),
    }),
  },
  VmMigrationSucceeded: { version: 1, data: terminal },
  VmMigrationFailed: { version: 1, data: terminal },
  VmMigrationCanceled: { version: 1, data: terminal },
  VmMigrationRolledBack: { version: 1, data: terminal },
  /**
   * After the end: removes what an earlier clean-up could not (`leftovers`), or the target that was allowed to start
   * (`target`), which nothing else removes.
   */
  CleanupRequested: { version: 1, data: z.object({ reason, what: LaterCleanup }) },
  /** The operator gives up a failed VM: what was kept for a retry is now released. */
  VmMigrationAbandoned: { version: 1, data: z.object({ reason }) },
} as const;
