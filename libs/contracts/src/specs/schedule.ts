import { z } from 'zod';
import { MaintenanceWindow } from './windows.js';

/** What runs at once over all plans, as the operator sets it. A limit that is left out does not bind. */
export const ScheduleLimits = z.strictObject({
  vms: z.int().min(0).max(10_000).default(20),
  vmsPerProvider: z.int().min(1).optional(),
  vmsPerHost: z.int().min(1).optional(),
  vmsPerTarget: z.int().min(1).optional(),
  /**
   * Disks that are open at a time on one host of a source, over all plans. An ESXi host serves each through a session of
   * its NFC service, of which it has few. A VM with more disks than that runs alone on it.
   */
  disksPerHost: z.int().min(1).optional(),
  /** The same on one storage of a source, such as a datastore. */
  disksPerStorage: z.int().min(1).optional(),
  /**
   * Disks of one storage of a source that are merged at a time with what their snapshots held, over all plans: it writes
   * much of them anew, and all that lies beside them feels it. A VM with more disks than that removes its snapshots alone.
   */
  snapshotRemovalsPerStorage: z.int().min(1).max(10_000).default(4),
  /** Sums over the VMs that are in flight. A VM that is larger than the whole budget runs alone. */
  cpus: z.int().min(1).optional(),
  memoryBytes: z.int().min(1).optional(),
  storageBytes: z.int().min(1).optional(),
  /** Shared fairly by the copies that run; changed while they run. */
  bytesPerSecond: z.int().min(1).optional(),
  windows: z.array(MaintenanceWindow).max(50).default([]),
});
export type ScheduleLimits = z.infer<typeof ScheduleLimits>;
