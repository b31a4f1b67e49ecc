import { z } from 'zod';
import { Condition } from '../conditions.js';
import { Actor, Forecast, Outcome } from '../events.js';
import { DiskResult, GuestCapabilities, Inspection, Phase, StepError, StepName } from '../steps.js';
import { HookMoment } from '../definitions.js';
import { VmCounts } from './catalog.js';

/** Runs of plans as the API shows them: projections of the log, with the progress that workers report. */

export const MigrationStatus = z.enum([
  /** Started, and waits for a second person's approval. */
  'awaiting-approval',
  'running',
  'paused',
  'canceling',
  'succeeded',
  'failed',
  'canceled',
]);
export type MigrationStatus = z.infer<typeof MigrationStatus>;

/** A hook of a whole plan in one run. */
export const PlanHookView = z.object({
  name: z.string(),
  at: HookMoment,
  index: z.int().min(0),
  /** A worker runs a command or sends a request, or another system answers an event. */
  kind: z.enum(['command', 'http', 'event']),
  state: z.enum(['pending', 'running', 'held', 'succeeded', 'failed', 'canceled']),
  /** What it waits for: its moment, a worker, an answer, an operator. */
  waitingFor: z.string().optional(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  /** After it is done: the end of its output, its response, or the report of the other system. */
  said: z.string().optional(),
  error: StepError.optional(),
});
export type PlanHookView = z.infer<typeof PlanHookView>;

export const MigrationView = z.object({
  id: z.string(),
  planId: z.string(),
  planName: z.string(),
  status: MigrationStatus,
  startedAt: z.iso.datetime(),
  completedAt: z.iso.datetime().optional(),
  cancelRequested: z.boolean(),
  counts: VmCounts,
  /** The last started wave, and the number of all waves. */
  wave: z.int().min(1),
  waves: z.array(z.int().min(1)),
  progressPercent: z.int().min(0).max(100),
  /** The plan's own hooks, which are shown and steered like VMs, by these numbers. */
  hooks: z.array(PlanHookView),
});
export type MigrationView = z.infer<typeof MigrationView>;

export const ProgressItem = z.object({
  /** The thing in progress, such as a disk. */
  name: z.string(),
  done: z.number(),
  total: z.number(),
  unit: z.enum(['bytes', 'percent', 'steps']),
});
export type ProgressItem = z.infer<typeof ProgressItem>;

export const PipelineStepView = z.object({
  step: StepName,
  phase: z.enum([...Phase.options, 'clean-up']),
  status: z.enum(['Pending', 'Requested', 'Running', 'Waiting', 'Completed', 'Failed', 'Canceled']),
  attempts: z.int().min(0),
  startedAt: z.iso.datetime().optional(),
  completedAt: z.iso.datetime().optional(),
  /** Progress of the current attempt. */
  progress: z.array(ProgressItem),
  /** What the worker is doing now, in its own words. */
  message: z.string().optional(),
  error: StepError.optional(),
  waitingFor: z.string().optional(),
});
export type PipelineStepView = z.infer<typeof PipelineStepView>;

export const VmStateName = z.enum([
  'planned',
  'running',
  /** Warm, between two rounds. */
  'waiting',
  'paused',
  'held',
  'cleaning',
  'succeeded',
  'failed',
  'canceled',
  'rolled-back',
]);
export type VmStateName = z.infer<typeof VmStateName>;

const vmSummary = {
  migrationId: z.string(),
  index: z.int().min(0),
  name: z.string(),
  targetName: z.string(),
  targetNamespace: z.string(),
  state: VmStateName,
  cancelRequested: z.boolean(),
  /** The current or next step. */
  step: StepName.optional(),
  /** Completed steps ÷ steps, plus the share of the current step. */
  progressPercent: z.int().min(0).max(100),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  waitingFor: z.string().optional(),
  error: StepError.optional(),
};
export const VmSummary = z.object(vmSummary);
export type VmSummary = z.infer<typeof VmSummary>;

export const VmView = z.object({
  ...vmSummary,
  sourceId: z.string(),
  pipeline: z.array(PipelineStepView),
  conditions: z.array(Condition),
  /** Where the result is or will be: `folder` is the VM's folder below `where`, such as the path of a directory. */
  target: z.object({ providerId: z.string(), where: z.string(), folder: z.string() }),
  disks: z.array(DiskResult),
  inspection: Inspection.optional(),
  capabilities: GuestCapabilities.optional(),
  bootProof: z.object({ booted: z.boolean(), seconds: z.number(), evidence: z.string() }).optional(),
  /** Resources that are still claimed, and why they are kept. */
  kept: z.array(z.object({ kind: z.string(), name: z.string(), reason: z.string() })),
  /** Names of the logs that GET …/log can show. */
  logs: z.array(z.string()),
  outcome: Outcome.optional(),
  /** Warm VMs only: the state of the rounds, and the forecast of the cutover. */
  warm: z
    .object({
      /** Number of the round: 0 is the initial copy. */
      round: z.int().min(0),
      nextPassAt: z.iso.datetime().optional(),
      cutoverAt: z.iso.datetime().optional(),
      cutoverBy: z.string().optional(),
      /** Why the cutover was last deferred. */
      cutoverDeferred: z.string().optional(),
      approval: z.enum(['not-needed', 'awaited', 'given']),
      forecast: Forecast,
    })
    .optional(),
  testBoot: z
    .object({ booted: z.boolean(), seconds: z.number(), evidence: z.string(), moment: z.string() })
    .optional(),
  /** Data written at the target between these times is not in the source, which runs again. */
  rollback: z.object({ reason: z.string(), lostFrom: z.iso.datetime(), lostTo: z.iso.datetime() }).optional(),
  abandoned: z.boolean(),
});
export type VmView = z.infer<typeof VmView>;

export const HistoryEntry = z.object({
  eventId: z.string(),
  type: z.string(),
  version: z.int(),
  time: z.iso.datetime(),
  stream: z.string(),
  revision: z.int().min(0),
  actor: Actor,
  causationId: z.string(),
  correlationId: z.string(),
  /** One sentence for people. */
  summary: z.string(),
  data: z.unknown(),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;

export const LogText = z.object({
  name: z.string(),
  sizeBytes: z.int().min(0),
  /** The log, or only its end if it is longer than requested. */
  text: z.string(),
  truncated: z.boolean(),
});
export type LogText = z.infer<typeof LogText>;
