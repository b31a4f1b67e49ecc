import { z } from 'zod';
import { Condition } from '../conditions.js';
import { MaintenanceWindow, MappingSpec, PlanSpec, ScheduleLimits } from '../definitions.js';

const migrationId = z.string();
const asked = z.object({ migrationId, reason: z.string() });

/** On `migration-{id}`: one run of a plan. The VM streams are written first; `MigrationStarted` makes them count. */
export const runEvents = {
  MigrationStarted: {
    version: 4,
    data: z.object({
      migrationId,
      planId: z.string(),
      spec: PlanSpec,
      networkMapping: MappingSpec,
      /** Absent if nothing is copied. */
      storageMapping: MappingSpec.optional(),
      conditions: z.array(Condition),
      vmCount: z.int().min(1),
      /** Name of the requester, who cannot give a required approval. */
      startedBy: z.string().optional(),
    }),
  },
  /** The VMs of the wave may begin. The first wave starts with the migration. */
  WaveStarted: {
    version: 1,
    data: z.object({ migrationId, wave: z.int().min(1), reason: z.string() }),
  },
  /** A second person approved the start, if the plan requires that: only now do its VMs begin. */
  MigrationApproved: { version: 1, data: asked },
  MigrationCancelRequested: { version: 1, data: asked },
  MigrationPauseRequested: { version: 1, data: asked },
  MigrationResumeRequested: { version: 1, data: asked },
  MigrationCompleted: {
    version: 2,
    data: z.object({
      migrationId,
      succeeded: z.int(),
      failed: z.int(),
      canceled: z.int(),
      rolledBack: z.int(),
    }),
  },
} as const;

/** The number of disks on each storage of the source. */
const disksByStorage = z.record(z.string(), z.int().min(0));
/** Names of storages, by id. */
const storageNames = z.record(z.string(), z.string());
const vmRef = { migrationId: z.string(), vm: z.int().min(0) };

/** On `schedule`, at exact revision: which VMs may run. */
export const scheduleEvents = {
  /** The operator's limits, from now on. */
  ScheduleLimitsSet: { version: 2, data: z.object({ limits: ScheduleLimits }) },
  VmEnqueued: {
    version: 3,
    data: z.object({
      ...vmRef,
      planId: z.string(),
      priority: z.int(),
      /** How many VMs of the plan may run at once. */
      maxConcurrent: z.int(),
      /** Cutovers go first, because a source is about to be off. */
      purpose: z.enum(['begin', 'precopy', 'cutover', 'go-on']),
      provider: z.string(),
      /** Name of the host, for people. */
      host: z.string().optional(),
      /** The key by which the host is counted. Absent in sources whose names are their ids, and in older events. */
      hostId: z.string().optional(),
      target: z.string(),
      demand: z.object({ cpus: z.int().min(0), memoryBytes: z.int().min(0), storageBytes: z.int().min(0) }),
      /** The VM's disks that are read, which stay open while it has the slot. */
      storages: disksByStorage,
      /** Names of those storages, if they differ from the ids. */
      storageNames: storageNames.optional(),
      windows: z.array(MaintenanceWindow),
    }),
  },
  VmAdmitted: { version: 1, data: z.object(vmRef) },
  VmSlotReleased: { version: 1, data: z.object(vmRef) },
  /** The VM wants to remove snapshots, which merges all of its disks on their storages. */
  RemovalSlotEnqueued: {
    version: 1,
    data: z.object({
      ...vmRef,
      provider: z.string(),
      storages: disksByStorage,
      storageNames: storageNames.optional(),
      /** Whether the VM's source is off while the VM waits. */
      urgent: z.boolean(),
    }),
  },
  RemovalSlotGiven: { version: 1, data: z.object(vmRef) },
  RemovalSlotReleased: { version: 1, data: z.object(vmRef) },
} as const;
