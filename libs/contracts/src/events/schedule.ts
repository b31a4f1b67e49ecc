import { z } from 'zod';
import { MaintenanceWindow, ScheduleLimits } from '../specs.js';

/** How many disks are on each storage of the source. */
const disksByStorage = z.record(z.string(), z.int().min(0));
/** By the id of the storage. */
const storageNames = z.record(z.string(), z.string());
const vmRef = { migrationId: z.string(), vm: z.int().min(0) };

/** On `schedule`, at exact revision: who may run. */
export const scheduleEvents = {
  /** What the operator allows, from now on. */
  ScheduleLimitsSet: { version: 2, data: z.object({ limits: ScheduleLimits }) },
  VmEnqueued: {
    version: 3,
    data: z.object({
      ...vmRef,
      planId: z.string(),
      priority: z.int(),
      /** How many VMs of the plan may run at once. */
      maxConcurrent: z.int(),
      /** A cutover goes before everything else: a source is about to be off for it. */
      purpose: z.enum(['begin', 'precopy', 'cutover', 'go-on']),
      provider: z.string(),
      /** Its name, for people. */
      host: z.string().optional(),
      /** What it is counted by; left out by sources whose names are their ids, and by events from before there was one. */
      hostId: z.string().optional(),
      target: z.string(),
      demand: z.object({ cpus: z.int().min(0), memoryBytes: z.int().min(0), storageBytes: z.int().min(0) }),
      /** Its disks that are read, and are open meanwhile. */
      storages: disksByStorage,
      /** What those storages are called, where that is not their id. */
      storageNames: storageNames.optional(),
      windows: z.array(MaintenanceWindow),
    }),
  },
  VmAdmitted: { version: 1, data: z.object(vmRef) },
  VmSlotReleased: { version: 1, data: z.object(vmRef) },
  /** The VM wants to remove snapshots: all of its disks are merged then, on the storages that they are on. */
  RemovalTurnEnqueued: {
    version: 1,
    data: z.object({
      ...vmRef,
      provider: z.string(),
      storages: disksByStorage,
      storageNames: storageNames.optional(),
      /** Its source is off for it. */
      urgent: z.boolean(),
    }),
  },
  RemovalTurnGiven: { version: 1, data: z.object(vmRef) },
  RemovalTurnReleased: { version: 1, data: z.object(vmRef) },
} as const;
