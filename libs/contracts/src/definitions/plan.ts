import { z } from 'zod';
import { machineChoices } from './machine.js';
import { LuksSettings, PlanVm, Selector, TargetPowerState } from './plan-vm.js';
import { Dns1123Label, SecretRef } from './provider.js';
import { MaintenanceWindow } from './schedule.js';

/**
 * When a hook runs: before the first step, before the source's power-off, after the last step, or after the VM failed.
 */
export const HookMoment = z.enum(['before', 'cutover', 'after', 'failure']);
export type HookMoment = z.infer<typeof HookMoment>;

export const HookRun = z.discriminatedUnion('kind', [
  /** An executable in the worker's hooks folder, which gets the VM as JSON on its standard input. */
  z.strictObject({
    kind: z.literal('command'),
    command: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be the name of a file in the hooks folder'),
    arguments: z.array(z.string()).default([]),
  }),
  /** A request with the VM as JSON in its body; any response but 2xx is a failure. */
  z.strictObject({
    kind: z.literal('http'),
    url: z.url({ protocol: /^https?$/ }),
    method: z.enum(['POST', 'PUT']).default('POST'),
    /** Sent as a bearer token. */
    secret: SecretRef.optional(),
  }),
  /** Another system sees the request among the events, and answers it over the API or the bus. */
  z.strictObject({ kind: z.literal('event') }),
]);
export type HookRun = z.infer<typeof HookRun>;

/** A user's action at a moment of each VM's migration, or once for the whole plan. */
export const HookSpec = z.strictObject({
  name: Dns1123Label,
  at: HookMoment,
  /**
   * `plan`: once. `before` any VM begins; before the first `cutover` (if the plan is not warm: also before any VM begins);
   * `after` all VMs ended and none failed; or on `failure`, once all VMs ended and some failed.
   */
  scope: z.enum(['vm', 'plan']).default('vm'),
  run: HookRun,
  /** Time after which an attempt counts as failed. */
  timeLimitMs: z.int().min(100).max(86_400_000).default(600_000),
  /** How often it is retried, with the plan's back-off. */
  retries: z.int().min(0).max(100).default(0),
  /** `continue`: the failure becomes a condition of the VM or of the plan's hook, and the migration continues. */
  onFailure: z.enum(['fail', 'continue']).default('fail'),
});
export type HookSpec = z.infer<typeof HookSpec>;

/** What starts the cutover of a warm VM. An operator's command does so under every policy. */
export const CutoverPolicy = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('command') }),
  z.strictObject({ by: z.literal('time'), at: z.iso.datetime() }),
  z.strictObject({ by: z.literal('window'), windows: z.array(MaintenanceWindow).min(1) }),
  /** As soon as the expected downtime is within the limit; only inside the windows, if there are any. */
  z.strictObject({
    by: z.literal('downtime'),
    maxDowntimeMs: z.int().min(1),
    windows: z.array(MaintenanceWindow).default([]),
  }),
]);
export type CutoverPolicy = z.infer<typeof CutoverPolicy>;

export const WarmSettings = z.strictObject({
  /** From the end of one round to the start of the next. */
  precopyIntervalMs: z.int().min(0).max(604_800_000).default(3_600_000),
  /** The most delta rounds before the cutover, after which the VM waits for it; unlimited if absent. */
  maxPrecopies: z.int().min(0).max(10_000).optional(),
  cutover: CutoverPolicy.default({ by: 'command' }),
  /**
   * Asks the guest to quiesce its file systems for each snapshot, which can delay the guest. Matters only for test boots, because
   * the last round reads a VM that is off.
   */
  quiesce: z.boolean().default(false),
  /** Turns on changed block tracking if it is off, by making and removing a snapshot. */
  enableChangeTracking: z.boolean().default(false),
});
export type WarmSettings = z.infer<typeof WarmSettings>;

/** How to power off a running source. Its guest is first asked to shut down. */
export const ShutdownSettings = z.strictObject({
  timeLimitMs: z.int().min(0).max(86_400_000).default(300_000),
  /** If the guest is still up by then: power it off, fail the VM, or wait for an operator. */
  then: z.enum(['force', 'fail', 'wait']).default('force'),
});
export type ShutdownSettings = z.infer<typeof ShutdownSettings>;

/** Changes to the source once its target exists, so that it cannot run alongside the target. */
export const RetireSourceSettings = z.strictObject({
  disconnectNics: z.boolean().default(false),
  /** Appended to the VM's name. */
  renameSuffix: z.string().min(1).max(40).optional(),
  /** vSphere: `name`, which is created if it is missing, or `category:name`, which must exist. */
  tag: z
    .string()
    .max(80)
    .regex(/^[^:]+(:.+)?$/, 'must be the name of a tag, or category:name')
    .optional(),
});
export type RetireSourceSettings = z.infer<typeof RetireSourceSettings>;

/** Approvals by a second person, who must not be the requester. */
export const ApprovalSettings = z.strictObject({
  start: z.boolean().default(false),
  cutover: z.boolean().default(false),
});
export type ApprovalSettings = z.infer<typeof ApprovalSettings>;

/** How long one wait for something outside may take before it fails. */
export const TimeLimits = z.strictObject({
  /** To make or remove one snapshot. A removal consolidates the data written since. */
  snapshotMs: z.int().min(100).default(3_600_000),
  /** For a worker to claim a step; then the VM is held. */
  workerMs: z.int().min(1000).default(86_400_000),
});
export type TimeLimits = z.infer<typeof TimeLimits>;

export const RetryPolicy = z.strictObject({
  /** Transient failures of one step in a row, without progress, after which the VM fails. */
  maxRetries: z.int().min(0).max(100).default(3),
  /**
   * Lost workers of one step in a row after which the VM fails: a step that kills its workers must end at some point.
   */
  maxLost: z.int().min(0).max(1000).default(25),
  baseDelayMs: z.int().min(0).default(10_000),
  maxDelayMs: z.int().min(0).default(300_000),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

export const VerifyMode = z.enum(['none', 'written', 'full']);
/** No provider supports `live` yet, so it raises a Critical condition. */
export const MigrationType = z.enum(['cold', 'warm', 'conversion', 'live']);
export type MigrationType = z.infer<typeof MigrationType>;

/** How one VM is migrated: in the plan, and recorded for the VM when its migration starts. */
const behaviour = {
  type: MigrationType.default('cold'),
  skipGuestConversion: z.boolean().default(false),
  /** Warm: checks on the first snapshot, before anything is copied, whether the guest can be converted. */
  inspect: z.boolean().default(false),
  /**
   * The guest keeps its network: a Windows guest gets back the addresses that its tools reported; a Linux guest keeps the names
   * of its NICs in its own configuration.
   */
  preserveStaticIps: z.boolean().default(true),
  luks: LuksSettings.optional(),
  /** Raw copy only: SATA and e1000e, for which every guest has drivers, instead of virtio. */
  useCompatibilityMode: z.boolean().default(true),
  verify: VerifyMode.default('written'),
  /** Boots the result in QEMU, without changing its disks, and records the console. */
  bootProof: z.boolean().default(false),
  /** Bytes a second for each VM's copies; unlimited if absent. */
  bandwidthLimit: z.int().min(1).optional(),
  retry: RetryPolicy.default(RetryPolicy.parse({})),
  warm: WarmSettings.default(WarmSettings.parse({})),
  hooks: z.array(HookSpec).max(50).default([]),
  shutdown: ShutdownSettings.default(ShutdownSettings.parse({})),
  approve: ApprovalSettings.default(ApprovalSettings.parse({})),
  retireSource: RetireSourceSettings.default(RetireSourceSettings.parse({})),
  timeLimits: TimeLimits.default(TimeLimits.parse({})),
  powerOnSourceAfterFailure: z.boolean().default(true),
  /** The start of a target VM completes only once its guest agent (qemu-guest-agent) answers. */
  waitForGuestAgent: z.boolean().default(false),
  /** Confirms that the recovery keys of Windows guests with a TPM are at hand, because the target's TPM is empty. */
  recoveryKeyHeld: z.boolean().default(false),
};

/** The settings as recorded for one VM. */
export const VmSettings = z.object({
  ...behaviour,
  /** Device that virt-v2v takes as root, such as `/dev/sda1`; by default the first root found. */
  rootDisk: z.string().optional(),
});
export type VmSettings = z.infer<typeof VmSettings>;

/** Ordered groups of a plan's VMs: the first begins with the plan, each other one after the previous one. */
export const WaveSettings = z.strictObject({
  /**
   * `command`: an operator starts each wave; `automatic`: a wave starts when enough VMs of the previous one succeeded.
   */
  startNext: z.enum(['command', 'automatic']).default('automatic'),
  /** Percent of the previous wave. */
  minSucceededPercent: z.int().min(0).max(100).default(100),
});
export type WaveSettings = z.infer<typeof WaveSettings>;

const planFields = z.strictObject({
  name: Dns1123Label,
  description: z.string().default(''),
  ...behaviour,
  source: z.string().min(1),
  target: z.string().min(1),
  targetNamespace: Dns1123Label.default('default'),
  networkMapping: z.string().min(1),
  /** Optional with `type: conversion`, which copies nothing. */
  storageMapping: z.string().min(1).optional(),
  /** VMs by id or name. */
  vms: z.array(PlanVm).max(100_000).default([]),
  /** VMs by criteria. The plan selects the VMs of every selector, and those of `vms`. */
  select: z.array(Selector).max(1000).default([]),
  /** Ids or names of VMs to leave out although a selector matches them. */
  except: z.array(z.string().min(1)).max(100_000).default([]),
  targetPowerState: TargetPowerState.default('auto'),
  maxConcurrentMigrations: z.int().min(1).max(10_000).default(3),
  /** When its VMs may begin; at any time if there are none. A closing window stops no running VM. */
  windows: z.array(MaintenanceWindow).max(50).default([]),
  priority: z.int().min(0).max(100).default(50),
  waves: WaveSettings.default(WaveSettings.parse({})),
  labels: z.record(z.string(), z.string()).default({}),
  ...machineChoices,
});
export const PlanSpec = planFields
  .refine(({ vms, select }) => vms.length + select.length > 0, {
    path: ['vms'],
    message: 'must name at least one VM, unless `select` is given',
  })
  .refine(({ type, storageMapping }) => type === 'conversion' || storageMapping !== undefined, {
    path: ['storageMapping'],
    message: 'must name a storage mapping, unless the type is conversion',
  });
export type PlanSpec = z.infer<typeof PlanSpec>;
export type PlanSpecInput = z.input<typeof PlanSpec>;
