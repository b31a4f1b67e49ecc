import { z } from 'zod';
import { MaintenanceWindow, ScheduleLimits } from '../specs.js';

const vmRef = { migrationId: z.string(), vm: z.int().min(0) };

/** On `schedule`, at exact revision: who may run. */
export const scheduleEvents = {
  /** What the operator allows, from now on. */
  ScheduleLimitsSet: { version: 1, data: z.object({ limits: ScheduleLimits }) },
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
      host: z.string().optional(),
      target: z.string(),
      demand: z.object({ cpus: z.int().min(0), memoryBytes: z.int().min(0), storageBytes: z.int().min(0) }),
      /** Its disks, which are open while it is copied, by storage of the source. */
      storages: z.record(z.string(), z.int().min(0)),
      windows: z.array(MaintenanceWindow),
    }),
  },
  VmAdmitted: { version: 1, data: z.object(vmRef) },
  VmSlotReleased: { version: 1, data: z.object(vmRef) },
} as const;
