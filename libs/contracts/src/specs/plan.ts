import { z } from 'zod';
import { HookSpec } from './hooks.js';
import { machineChoices } from './machine.js';
import { LuksSettings, PlanVm, TargetPowerState } from './plan-vm.js';
import { Dns1123Label } from './provider.js';
import { Selector } from './selection.js';
import {
  ApprovalSettings,
  RetireSourceSettings,
  ShutdownSettings,
  TimeLimits,
  WarmSettings,
} from './warm.js';
import { MaintenanceWindow } from './windows.js';

export const RetryPolicy = z.strictObject({
  /** Transient failures of one step in a row, without new progress, after which the VM has failed. */
  maxRetries: z.int().min(0).max(100).default(3),
  /** Attempts of one step in a row whose worker was lost: a step that kills its worker must end some time. */
  maxLost: z.int().min(0).max(1000).default(25),
  baseDelayMs: z.int().min(0).default(10_000),
  maxDelayMs: z.int().min(0).default(300_000),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

export const VerifyMode = z.enum(['none', 'written', 'full']);
/** `live` has no provider yet, and is a Critical condition. */
export const MigrationType = z.enum(['cold', 'warm', 'conversion', 'live']);
export type MigrationType = z.infer<typeof MigrationType>;

/** How one VM is migrated: from the plan, or recorded for the VM when its migration started. */
const behaviour = {
  type: MigrationType.default('cold'),
  skipGuestConversion: z.boolean().default(false),
  /** Warm: tries on the first snapshot, before anything is copied, whether the guest can be converted. */
  inspect: z.boolean().default(false),
  /**
   * The guest keeps its network: a Windows guest is given the addresses again that its tools told, a Linux guest keeps
   * the names that its own configuration has for its NICs.
   */
  preserveStaticIps: z.boolean().default(true),
  luks: LuksSettings.optional(),
  /** Raw copy only: SATA and e1000e, which every guest has drivers for, in place of virtio. */
  useCompatibilityMode: z.boolean().default(true),
  verify: VerifyMode.default('written'),
  /** Starts the result under QEMU, without touching its disks, and records what the console showed. */
  bootProof: z.boolean().default(false),
  /** Bytes a second for each VM's copies; none: as fast as it goes. */
  bandwidthLimit: z.int().min(1).optional(),
  retry: RetryPolicy.default(RetryPolicy.parse({})),
  warm: WarmSettings.default(WarmSettings.parse({})),
  hooks: z.array(HookSpec).max(50).default([]),
  shutdown: ShutdownSettings.default(ShutdownSettings.parse({})),
  approve: ApprovalSettings.default(ApprovalSettings.parse({})),
  retireSource: RetireSourceSettings.default(RetireSourceSettings.parse({})),
  timeLimits: TimeLimits.default(TimeLimits.parse({})),
  powerOnSourceAfterFailure: z.boolean().default(true),
  /** A target VM that starts is done only once its guest's agent (qemu-guest-agent) answers. */
  waitForGuestAgent: z.boolean().default(false),
  /** Somebody says that the recovery keys of Windows guests with a TPM are at hand, for the target's TPM is empty. */
  recoveryKeyHeld: z.boolean().default(false),
};

/** As recorded for one VM. */
export const VmSettings = z.object({
  ...behaviour,
  /** Device that virt-v2v takes as root, such as `/dev/sda1`; else the first root found. */
  rootDisk: z.string().optional(),
});
export type VmSettings = z.infer<typeof VmSettings>;

/** Ordered groups of a plan's VMs: the first begins with the plan, each other one after the one before. */
export const WaveSettings = z.strictObject({
  /** `command`: an operator starts each; `automatic`: it starts when enough of the one before have succeeded. */
  startNext: z.enum(['command', 'automatic']).default('automatic'),
  /** Percent of the wave before. */
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
  /** May be left out where nothing is copied: by `type: conversion`. */
  storageMapping: z.string().min(1).optional(),
  /** VMs by id or name. */
  vms: z.array(PlanVm).max(100_000).default([]),
  /** VMs by what they are: those of every selector and of `vms` are united. */
  select: z.array(Selector).max(1000).default([]),
  /** Ids or names of VMs that selectors mean and that are left out all the same. */
  except: z.array(z.string().min(1)).max(100_000).default([]),
  targetPowerState: TargetPowerState.default('auto'),
  maxConcurrentMigrations: z.int().min(1).max(10_000).default(3),
  /** When its VMs may begin; none: at any time. What runs is not stopped when a window closes. */
  windows: z.array(MaintenanceWindow).max(50).default([]),
  priority: z.int().min(0).max(100).default(50),
  waves: WaveSettings.default(WaveSettings.parse({})),
  labels: z.record(z.string(), z.string()).default({}),
  ...machineChoices,
});
export const PlanSpec = planFields
  .refine(({ vms, select }) => vms.length + select.length > 0, {
    path: ['vms'],
    message: 'must name at least one VM, unless `select` says which are meant',
  })
  .refine(({ type, storageMapping }) => type === 'conversion' || storageMapping !== undefined, {
    path: ['storageMapping'],
    message: 'must name a storage mapping, unless the type is conversion',
  });
export type PlanSpec = z.infer<typeof PlanSpec>;
export type PlanSpecInput = z.input<typeof PlanSpec>;
