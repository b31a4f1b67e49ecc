import { z } from 'zod';
import { MaintenanceWindow } from './windows.js';

/** What starts the cutover of a warm VM. An operator's command does so under every policy. */
export const CutoverPolicy = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('command') }),
  z.strictObject({ by: z.literal('time'), at: z.iso.datetime() }),
  z.strictObject({ by: z.literal('window'), windows: z.array(MaintenanceWindow).min(1) }),
  /** As soon as the forecast of the downtime falls under the limit; only inside the windows, where there are any. */
  z.strictObject({
    by: z.literal('downtime'),
    maxDowntimeMs: z.int().min(1),
    windows: z.array(MaintenanceWindow).default([]),
  }),
]);
export type CutoverPolicy = z.infer<typeof CutoverPolicy>;

export const WarmSettings = z.strictObject({
  /** From the end of one pass to the begin of the next. */
  precopyIntervalMs: z.int().min(0).max(604_800_000).default(3_600_000),
  /** Delta passes before the cutover, after which the VM waits for it; none: until it comes. */
  maxPrecopies: z.int().min(0).max(10_000).optional(),
  cutover: CutoverPolicy.default({ by: 'command' }),
  /**
   * Asks the guest to bring its file systems to rest for each snapshot. The last pass reads a VM that is off, so that it
   * matters for a test boot only; and it can hold the guest up.
   */
  quiesce: z.boolean().default(false),
  /** Turns changed block tracking on where it is off: with a snapshot that is made and removed again. */
  enableChangeTracking: z.boolean().default(false),
});
export type WarmSettings = z.infer<typeof WarmSettings>;

/** How a running source is powered off: its guest is asked first. */
export const ShutdownSettings = z.strictObject({
  timeLimitMs: z.int().min(0).max(86_400_000).default(300_000),
  /** When the guest is still up then: power it off, fail the VM, or wait for an operator. */
  then: z.enum(['force', 'fail', 'wait']).default('force'),
});
export type ShutdownSettings = z.infer<typeof ShutdownSettings>;

/** What is done to the source once its target is there, so that it cannot come back beside it. */
export const RetireSourceSettings = z.strictObject({
  disconnectNics: z.boolean().default(false),
  /** Appended to the VM's name. */
  renameSuffix: z.string().min(1).max(40).optional(),
  /** Of vSphere: `name`, made where it is missing, or `category:name`, which has to be there. */
  tag: z
    .string()
    .max(80)
    .regex(/^[^:]+(:.+)?$/, 'must be the name of a tag, or category:name')
    .optional(),
});
export type RetireSourceSettings = z.infer<typeof RetireSourceSettings>;

/** A second person's word: who gives it must not be who asked. */
export const ApprovalSettings = z.strictObject({
  start: z.boolean().default(false),
  cutover: z.boolean().default(false),
});
export type ApprovalSettings = z.infer<typeof ApprovalSettings>;

/** How long one wait for something outside may take before it has failed. */
export const TimeLimits = z.strictObject({
  /** To make or remove one snapshot; removal consolidates what was written meanwhile. */
  snapshotMs: z.int().min(100).default(3_600_000),
  /** For a worker to take a step; then the VM is held. */
  workerMs: z.int().min(1000).default(86_400_000),
});
export type TimeLimits = z.infer<typeof TimeLimits>;
