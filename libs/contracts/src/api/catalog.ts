import { z } from 'zod';
import { Condition } from '../conditions.js';
import { Inventory } from '../inventory.js';
import { MappingSpec, PlanSpec, ProviderSpec } from '../specs.js';

/** Providers, mappings and plans as the API shows them: what the user wrote, and what is known about it. */

const stored = {
  id: z.string(),
  /** Revision of its stream: grows with every change. */
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
  /** Source providers: the inventory that was read last, if it was. */
  inventory: InventorySummary.optional(),
});
export type ProviderView = z.infer<typeof ProviderView>;

export const InventoryView = Inventory.extend({
  providerId: z.string(),
  /** How long ago it was read. POST …/inventory/refresh reads it again. */
  ageSeconds: z.int().min(0),
  /** Whether the source tells of its changes by itself; `broken`: it does, but not now, for this reason. */
  live: z.union([z.boolean(), z.object({ broken: z.string() })]),
});
export type InventoryView = z.infer<typeof InventoryView>;

export const MappingView = z.object({
  ...stored,
  spec: MappingSpec,
  /** Ids of the plans that name it. */
  usedBy: z.array(z.string()),
});
export type MappingView = z.infer<typeof MappingView>;

export const PlanStatus = z.enum([
  /** Not validated since it was created or changed. */
  'new',
  'ready',
  /** Validated, and a Critical condition forbids the start. */
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
  /** What the last validation found; it is forgotten when the planner restarts. */
  conditions: z.array(Condition),
  validatedAt: z.iso.datetime().optional(),
  /** Of the latest migration. */
  counts: VmCounts.optional(),
  progressPercent: z.int().min(0).max(100).optional(),
  /** Ids of its migrations, the latest last. */
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
