import { type DomainEvent, ScheduleLimits } from '@ledgerlift/contracts';
import type { ScheduleEntry } from '../schedule/lanes.js';
import { Schedule } from '../schedule/schedule.js';

export const GiB = 2 ** 30;
export const at = new Date('2026-11-23T12:00:00Z');
export const limits = (change: object = {}): ScheduleLimits => ScheduleLimits.parse({ vms: 100, ...change });
export const entry = (vm: number, change: Partial<ScheduleEntry> = {}): ScheduleEntry => ({
  migrationId: change.planId ?? 'p1',
  vm,
  planId: 'p1',
  priority: 50,
  maxConcurrent: 1000,
  purpose: 'begin',
  provider: 'vc',
  target: 'out',
  demand: { cpus: 1, memoryBytes: GiB, storageBytes: GiB },
  windows: [],
  storages: {},
  ...change,
});
/** A VM with the given number of disks on each datastore, read through host `a`. */
export const withDisks = (
  vm: number,
  storages: Readonly<Record<string, number>>,
  change: Partial<ScheduleEntry> = {},
): ScheduleEntry =>
  entry(vm, {
    host: 'a',
    storages,
    ...change,
  });

/** A schedule under test: VMs arrive, are admitted and end. */
export class Told {
  readonly schedule: Schedule;
  constructor(of: ScheduleLimits = limits()) {
    this.schedule = new Schedule(of);
  }
  does(events: readonly DomainEvent[]): this {
    for (const event of events) this.schedule.apply(event);
    return this;
  }
  wait(...entries: readonly ScheduleEntry[]): this {
    for (const each of entries) this.does(this.schedule.enqueue(each));
    return this;
  }
  /** @returns the VMs that got a slot of either kind, as plan/number */
  admit(when = at): readonly string[] {
    const events = this.schedule.admit(when);
    this.does(events);
    return events.map(({ data }) => {
      const { migrationId, vm } = data as { migrationId: string; vm: number };
      return `${migrationId}/${vm}`;
    });
  }
  end(vm: number, migrationId = 'p1'): this {
    return this.does(this.schedule.release(migrationId, vm));
  }
  reason(vm: number, migrationId = 'p1'): string | undefined {
    return this.schedule.reasonFor(migrationId, vm, at);
  }
  /** The VM wants to remove snapshots of the given number of disks on each datastore. */
  wantsSlot(vm: number, storages: Readonly<Record<string, number>>, urgent = false): this {
    const wish = { migrationId: 'p1', vm, provider: 'vc', storages, urgent };
    return this.does(this.schedule.removals.enqueue(wish));
  }
  endSlot(vm: number): this {
    return this.does(this.schedule.removals.release('p1', vm));
  }
  slotReason(vm: number): string | undefined {
    return this.schedule.reasonForRemoval('p1', vm);
  }
}
