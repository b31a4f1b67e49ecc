import { z } from 'zod';
import { Condition } from '../conditions.js';
import { Inventory } from '../inventory.js';
import { MappingSpec, PlanSpec, ProviderSpec } from '../definitions.js';

/** Providers, mappings and plans as the API shows them: the user's spec, and facts about it. */

const stored = {
  id: z.string(),
  /** Revision of its stream. Grows with every change. */
  revision: z.int().min(0),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
};

export const InventorySummary = z.object({
  takenAt: z.iso.datetime(),
  version: z.string().optional(),
  ageSeconds: z.int().min(0),
  vms: z.int().min(0),
  problems: z.int().min(0),
});

export const ProviderView = z.object({
  ...stored,
  spec: ProviderSpec,
  /** Source providers only: a summary of the last inventory, if one was read. */
  inventory: InventorySummary.optional(),
});
export type ProviderView = z.infer<typeof ProviderView>;

export const InventoryView = Inventory.extend({
  providerId: z.string(),
  /** Age of the inventory. POST …/inventory/refresh reads it again. */
  ageSeconds: z.int().min(0),
  /** Whether the source reports changes by itself. `broken`: it does, but currently cannot, for this reason. */
  live: z.union([z.boolean(), z.object({ broken: z.string() })]),
});
export type InventoryView = z.infer<typeof InventoryView>;

export const MappingView = z.object({
  ...stored,
  spec: MappingSpec,
  /** Ids of the plans that refer to it. */
  usedBy: z.array(z.string()),
});
export type MappingView = z.infer<typeof MappingView>;

export const PlanStatus = z.enum([
  /** Not validated since it was created or changed. */
  'new',
  'ready',
  /** Validated; a Critical condition forbids the start. */
  'not-ready',
  'awaiting-approval',
  'running',
  'paused',
  'succeeded',
  'failed',
  'canceled',
  'archived',
]);
export type PlanStatus = z.infer<typeof PlanStatus>;

export const VmCounts = z.object({
  total: z.int().min(0),
  waiting: z.int().min(0),
  running: z.int().min(0),
  succeeded: z.int().min(0),
  failed: z.int().min(0),
  canceled: z.int().min(0),
  paused: z.int().min(0),
  rolledBack: z.int().min(0),
});
export type VmCounts = z.infer<typeof VmCounts>;

export const PlanView = z.object({
  ...stored,
  spec: PlanSpec,
  status: PlanStatus,
  archived: z.boolean(),
  /** Conditions of the last validation. A restart of the planner forgets them. */
  conditions: z.array(Condition),
  validatedAt: z.iso.datetime().optional(),
  /** VMs of the latest migration. */
  counts: VmCounts.optional(),
  progressPercent: z.int().min(0).max(100).optional(),
  /** Ids of its migrations, latest last. */
  migrations: z.array(z.string()),
});
export type PlanView = z.infer<typeof PlanView>;

export const PlanValidation = z.object({
  planId: z.string(),
  validatedAt: z.iso.datetime(),
  /** Whether the plan may start. */
  ready: z.boolean(),
  conditions: z.array(Condition),
});
export type PlanValidation = z.infer<typeof PlanValidation>;
