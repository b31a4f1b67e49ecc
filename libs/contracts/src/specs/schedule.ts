import { z } from 'zod';
import { MaintenanceWindow } from './windows.js';

/** What runs at once over all plans, as the operator sets it. A limit that is left out does not bind. */
export const ScheduleLimits = z.strictObject({
  vms: z.int().min(0).max(10_000).default(20),
  vmsPerProvider: z.int().min(1).optional(),
  vmsPerHost: z.int().min(1).optional(),
  vmsPerTarget: z.int().min(1).optional(),
  /** Sums over the VMs that are in flight. A VM that is larger than the whole budget runs alone. */
  cpus: z.int().min(1).optional(),
  memoryBytes: z.int().min(1).optional(),
  storageBytes: z.int().min(1).optional(),
  /** Disks that are read through one host: each is a session with it. A VM with more disks than that runs alone. */
  disksPerHost: z.int().min(1).optional(),
  /** Disks that are read from one storage of the source, as a storage mapping names it. */
  disksPerDatastore: z.int().min(1).optional(),
  /** Disks of one storage that may be merged with what a snapshot held at once, while snapshots are removed. */
  snapshotRemovalsPerDatastore: z.int().min(1).max(10_000).default(4),
  /** Shared fairly by the copies that run; changed while they run. */
  bytesPerSecond: z.int().min(1).optional(),
  windows: z.array(MaintenanceWindow).max(50).default([]),
});
export type ScheduleLimits = z.infer<typeof ScheduleLimits>;
