import type { ScheduleLimits } from '@ledgerlift/contracts';
import { type ScheduleEntry, type Waiting, disksIn, hostOf, magnitude, magnitudes } from './lanes.js';

/** Who goes before whom. */

/** A source is about to be off, or is, for a cutover; what has begun goes before what has not. */
const purposes: Readonly<Record<ScheduleEntry['purpose'], number>> = {
  cutover: 0,
  'go-on': 1,
  precopy: 2,
  begin: 3,
};
export const purposeRank = ({ purpose }: ScheduleEntry): number => purposes[purpose];

/**
 * Whether room that is kept for `kept` is none of its business: it is more urgent, or came first. Passes of warm VMs
 * come again and again, so that here they are no more urgent than a VM that has not begun, or that one might wait for
 * ever.
 */
export const precedes = (one: Waiting<ScheduleEntry>, kept: Waiting<ScheduleEntry>): boolean =>
  (urgency(one.entry) - urgency(kept.entry) ||
    kept.entry.priority - one.entry.priority ||
    one.number - kept.number) <= 0;

const urgency = (entry: ScheduleEntry): number => Math.min(purposeRank(entry), purposes.precopy);

/** VMs in one lane differ in nothing that decides who is let in. Storages count only where they are limited. */
export function laneKeyOf(entry: ScheduleEntry, { disksPerStorage }: ScheduleLimits): string {
  const { purpose, priority, planId, provider, target, demand, windows, maxConcurrent } = entry;
  const size = [demand.cpus, demand.memoryBytes, demand.storageBytes, disksIn(entry)].map(magnitude);
  const storages = disksPerStorage === undefined ? [] : magnitudes(entry.storages);
  return JSON.stringify([
    purpose,
    priority,
    planId,
    maxConcurrent,
    provider,
    hostOf(entry),
    target,
    size,
    windows,
    storages,
  ]);
}
