import type { DomainEvent, EventOf, ScheduleLimits } from '@ledgerlift/contracts';

/**
 * Who may run: the second decider, on the one stream `schedule`, at exact revision. Admission takes the highest
 * priority first and, within it, who came first; a plan that is at its own limit lets others pass.
 */
export type ScheduleEntry = EventOf<'VmEnqueued'>['data'];

export const scheduleKey = (migrationId: string, vm: number): string => `${migrationId}/${vm}`;

/** Folded in place: with ten thousand VMs the maps must not be copied for each event. */
export class Schedule {
  /** By `{migrationId}/{vm}`, in the order in which they came. */
  readonly waiting = new Map<string, ScheduleEntry>();
  readonly running = new Map<string, ScheduleEntry>();
  #limits: ScheduleLimits;
  readonly #runningOfPlan = new Map<string, number>();

  constructor(limits: ScheduleLimits) {
    this.#limits = limits;
  }

  get limits(): ScheduleLimits {
    return this.#limits;
  }

  setLimits(limits: ScheduleLimits): readonly DomainEvent[] {
    return [{ type: 'ScheduleLimitsSet', data: { limits } }];
  }

  nextWakeAt(_at: Date): Date | undefined {
    return undefined;
  }

  apply(event: DomainEvent): void {
    switch (event.type) {
      case 'ScheduleLimitsSet':
        this.#limits = event.data.limits;
        return;
      case 'VmEnqueued': {
        const { migrationId, vm } = event.data;
        this.waiting.set(scheduleKey(migrationId, vm), event.data);
        return;
      }
      case 'VmAdmitted': {
        const key = scheduleKey(event.data.migrationId, event.data.vm);
        const entry = this.waiting.get(key);
        if (entry === undefined) return;
        this.waiting.delete(key);
        this.running.set(key, entry);
        this.#runningOfPlan.set(entry.planId, this.runningOf(entry.planId) + 1);
        return;
      }
      case 'VmSlotReleased': {
        const key = scheduleKey(event.data.migrationId, event.data.vm);
        this.waiting.delete(key);
        const entry = this.running.get(key);
        if (entry === undefined) return;
        this.running.delete(key);
        this.#runningOfPlan.set(entry.planId, this.runningOf(entry.planId) - 1);
        return;
      }
      default:
        return;
    }
  }

  runningOf(planId: string): number {
    return this.#runningOfPlan.get(planId) ?? 0;
  }

  /** What is asked for and not so already: enqueueing twice, or releasing what has no place, yields nothing. */
  enqueue(entry: ScheduleEntry): readonly DomainEvent[] {
    const key = scheduleKey(entry.migrationId, entry.vm);
    if (this.waiting.has(key) || this.running.has(key)) return [];
    return [{ type: 'VmEnqueued', data: { ...entry } }];
  }

  release(migrationId: string, vm: number): readonly DomainEvent[] {
    const key = scheduleKey(migrationId, vm);
    if (!this.waiting.has(key) && !this.running.has(key)) return [];
    return [{ type: 'VmSlotReleased', data: { migrationId, vm } }];
  }

  /** Admissions that fit now. */
  admit(_at: Date): readonly DomainEvent[] {
    let free = this.#limits.vms - this.running.size;
    if (free <= 0 || this.waiting.size === 0) return [];
    const admitted = new Map<string, number>();
    const events: DomainEvent[] = [];
    const byPriority = [...this.waiting.values()].sort((a, b) => b.priority - a.priority);
    for (const entry of byPriority) {
      if (free === 0) break;
      const ofPlan = this.runningOf(entry.planId) + (admitted.get(entry.planId) ?? 0);
      if (ofPlan >= entry.maxConcurrent) continue;
      admitted.set(entry.planId, (admitted.get(entry.planId) ?? 0) + 1);
      events.push({ type: 'VmAdmitted', data: { migrationId: entry.migrationId, vm: entry.vm } });
      free -= 1;
    }
    return events;
  }

  /** What a waiting VM waits for. */
  reasonFor(migrationId: string, vm: number, _at: Date): string | undefined {
    const entry = this.waiting.get(scheduleKey(migrationId, vm));
    if (entry === undefined) return undefined;
    if (this.running.size >= this.#limits.vms)
      return `a free place: ${this.running.size} VMs run, the global limit`;
    const ofPlan = this.runningOf(entry.planId);
    return ofPlan >= entry.maxConcurrent
      ? `a free place: ${ofPlan} VMs of the plan run, its limit`
      : 'admission';
  }
}
