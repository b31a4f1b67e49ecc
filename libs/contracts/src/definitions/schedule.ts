import { z } from 'zod';

const ClockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:30');
const TimeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin');

export const Weekday = z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']);
export type Weekday = z.infer<typeof Weekday>;

/** A weekly time window. If `to` is not after `from`, it ends on the next day. */
export const MaintenanceWindow = z.strictObject({
  /** Days on which it begins. */
  days: z
    .array(Weekday)
    .min(1)
    .default([...Weekday.options]),
  from: ClockTime,
  to: ClockTime,
  timeZone: TimeZone.default('UTC'),
});
export type MaintenanceWindow = z.infer<typeof MaintenanceWindow>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** The operator's limits on what runs at once, over all plans. An absent limit does not bind. */
export const ScheduleLimits = z.strictObject({
  vms: z.int().min(0).max(10_000).default(20),
  vmsPerProvider: z.int().min(1).optional(),
  vmsPerHost: z.int().min(1).optional(),
  vmsPerTarget: z.int().min(1).optional(),
  /**
   * Disks open at a time on one host of a source, over all plans. An ESXi host serves each disk through a session of its NFC
   * service, of which it has few. A VM with more disks than the limit runs alone on the host.
   */
  disksPerHost: z.int().min(1).optional(),
  /** The same on one storage of a source, such as a datastore. */
  disksPerStorage: z.int().min(1).optional(),
  /**
   * Disks of one storage of a source whose snapshots are merged at a time, over all plans: merging rewrites much of the disks, and
   * slows down everything on that storage. A VM with more disks than the limit removes its snapshots alone.
   */
  snapshotRemovalsPerStorage: z.int().min(1).max(10_000).default(4),
  /** Sums over the running VMs. A VM that exceeds the whole budget runs alone. */
  cpus: z.int().min(1).optional(),
  memoryBytes: z.int().min(1).optional(),
  storageBytes: z.int().min(1).optional(),
  /** Shared fairly by the running copies, which follow a change at once. */
  bytesPerSecond: z.int().min(1).optional(),
  windows: z.array(MaintenanceWindow).max(50).default([]),
});
export type ScheduleLimits = z.infer<typeof ScheduleLimits>;
