import type { DomainEvent, ScheduleLimits } from '@ledgerlift/contracts';
import {
  laneKeyOf,
  Lanes,
  precedes,
  purposeRank,
  type ScheduleEntry,
  scheduleKey,
  type Waiting as WaitingFor,
} from './lanes.js';
import { RemovalSlots } from './removal-slots.js';
import { Usage } from './usage.js';
import { isOpen, nextOpening } from './windows.js';

type Waiting = WaitingFor<ScheduleEntry>;

/** How often smaller VMs may pass one that is too large for the free room; then room is reserved for it. */
const MOST_PASSES = 8;

/**
 * Decides which VMs may run, on the single stream `schedule`, at exact revision. Cutovers go first, then VMs that have begun,
 * then the rest; within each, by priority, then the plan with the fewest running VMs, then order of arrival. A VM whose own limit
 * is reached lets others pass. Folded in place: with ten thousand VMs, no event may copy the state.
 */
export class Schedule {
  readonly #waiting = new Lanes<ScheduleEntry>((entry) => laneKeyOf(entry, this.#limits));
  readonly #running = new Map<string, ScheduleEntry>();
  readonly #usage = new Usage();
  /** Which VMs may remove snapshots, whether running or cleaning up. */
  readonly removals = new RemovalSlots();
  #limits: ScheduleLimits;

  /** @param limits apply until an event sets others */
  constructor(limits: ScheduleLimits) {
    this.#limits = limits;
  }

  get limits(): ScheduleLimits {
    return this.#limits;
  }

  /** VMs that hold a slot, in order of admission. */
  get running(): ReadonlyMap<string, ScheduleEntry> {
    return this.#running;
  }

  /** VMs that wait for a slot, in order of arrival. */
  get waiting(): readonly ScheduleEntry[] {
    return this.#waiting.entries();
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  has(migrationId: string, vm: number): boolean {
    const key = scheduleKey(migrationId, vm);
    return this.#running.has(key) || this.#waiting.get(key) !== undefined;
  }

  apply(event: DomainEvent): void {
    switch (event.type) {
      case 'ScheduleLimitsSet':
        this.#limits = event.data.limits;
        this.#waiting.sortAnew();
        return;
      case 'VmEnqueued':
        this.#waiting.add(scheduleKey(event.data.migrationId, event.data.vm), event.data);
        return;
      case 'VmAdmitted':
        this.#admitted(scheduleKey(event.data.migrationId, event.data.vm));
        return;
      case 'VmSlotReleased':
        this.#released(scheduleKey(event.data.migrationId, event.data.vm));
        return;
      default:
        this.removals.apply(event);
    }
  }

  setLimits(limits: ScheduleLimits): readonly DomainEvent[] {
    return JSON.stringify(limits) === JSON.stringify(this.#limits)
      ? []
      : [{ type: 'ScheduleLimitsSet', data: { limits } }];
  }

  /** @returns no events if the VM holds a slot, or waits for one with the same purpose */
  enqueue(entry: ScheduleEntry): readonly DomainEvent[] {
    const key = scheduleKey(entry.migrationId, entry.vm);
    const known = this.#waiting.get(key)?.entry;
    const isKnown = known?.purpose === entry.purpose && known.priority === entry.priority;
    return this.#running.has(key) || isKnown ? [] : [{ type: 'VmEnqueued', data: { ...entry } }];
  }

  release(migrationId: string, vm: number): readonly DomainEvent[] {
    return this.has(migrationId, vm) ? [{ type: 'VmSlotReleased', data: { migrationId, vm } }] : [];
  }

  /** Admissions and removal slots that fit now, in order. */
  admit(at: Date): readonly DomainEvent[] {
    // Only events change the state: these trial admissions are undone at the end.
    const chosen = new Set<Waiting>();
    for (let next = this.#next(at, chosen); next !== undefined; next = this.#next(at, chosen)) {
      chosen.add(next);
      this.#usage.add(next.entry);
    }
    for (const { entry } of chosen) this.#usage.remove(entry);
    const admitted = [...chosen].map(({ entry: { migrationId, vm } }): DomainEvent => ({
      type: 'VmAdmitted',
      data: { migrationId, vm },
    }));
    return [...admitted, ...this.removals.admit(this.#limits.snapshotRemovalsPerStorage)];
  }

  /** Why the VM waits for a slot, in words; undefined if it does not wait. */
  reasonFor(migrationId: string, vm: number, at: Date): string | undefined {
    const waiting = this.#waiting.get(scheduleKey(migrationId, vm));
    if (waiting === undefined) return undefined;
    const { entry } = waiting;
    const window = this.#closedUntil(entry, at);
    if (window !== undefined) return `the maintenance window that opens at ${window.toISOString()}`;
    const own = this.#usage.reason(entry, this.#limits);
    if (own !== undefined) return own;
    return this.#leavesRoom(waiting, this.#kept(this.#open(at)))
      ? 'its place in the queue'
      : 'room that is reserved for a larger VM ahead of it';
  }

  /** Why the VM waits for a removal slot, in words; undefined if it does not wait. */
  reasonForRemoval(migrationId: string, vm: number): string | undefined {
    return this.removals.reasonFor(migrationId, vm, this.#limits.snapshotRemovalsPerStorage);
  }

  /** When the next window opens for a waiting VM; undefined if none waits for a window. */
  nextWakeAt(at: Date): Date | undefined {
    return this.#waiting
      .heads()
      .map(({ entry }) => this.#closedUntil(entry, at))
      .reduce(
        (first, each) => (first === undefined || (each !== undefined && each < first) ? each : first),
        undefined,
      );
  }

  #admitted(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    for (const head of this.#waiting.heads()) {
      if (precedes(waiting, head)) continue;
      if (this.#usage.takesRoom(waiting.entry, head.entry, this.#limits)) head.passed += 1;
    }
    this.#waiting.remove(key);
    this.#running.set(key, waiting.entry);
    this.#usage.add(waiting.entry);
  }

  #released(key: string): void {
    this.#waiting.remove(key);
    const entry = this.#running.get(key);
    if (entry === undefined) return;
    this.#running.delete(key);
    this.#usage.remove(entry);
  }

  #next(at: Date, chosen: ReadonlySet<Waiting>): Waiting | undefined {
    if (this.#usage.vms >= this.#limits.vms) return undefined;
    const open = this.#open(at, chosen);
    const kept = this.#kept(open);
    return open
      .filter(
        (head) => this.#usage.lacking(head.entry, this.#limits).length === 0 && this.#leavesRoom(head, kept),
      )
      .reduce<Waiting | undefined>(
        (first, each) => (first === undefined || this.#compare(each, first) < 0 ? each : first),
        undefined,
      );
  }

  /** VMs that were passed too often and lack only room: everything that they need is reserved for them. */
  #kept(heads: readonly Waiting[]): readonly Waiting[] {
    return heads.filter(
      ({ passed, entry }) => passed >= MOST_PASSES && this.#usage.lacksOnlySize(entry, this.#limits),
    );
  }

  #leavesRoom(waiting: Waiting, kept: readonly Waiting[]): boolean {
    return kept.every(
      (each) => precedes(waiting, each) || this.#usage.leavesRoom(waiting.entry, each.entry, this.#limits),
    );
  }

  #open(at: Date, chosen?: ReadonlySet<Waiting>): readonly Waiting[] {
    return this.#waiting.heads(chosen).filter(({ entry }) => this.#closedUntil(entry, at) === undefined);
  }

  /** When the windows open; undefined if they are open, or do not apply because the VM has begun. */
  #closedUntil({ purpose, windows }: ScheduleEntry, at: Date): Date | undefined {
    if (purpose === 'cutover' || purpose === 'go-on') return undefined;
    const all = [this.#limits.windows, windows];
    if (all.every((each) => isOpen(each, at))) return undefined;
    return all.map((each) => nextOpening(each, at)).reduce((last, each) => (each > last ? each : last));
  }

  #compare(one: Waiting, other: Waiting): number {
    return (
      purposeRank(one.entry) - purposeRank(other.entry) ||
      other.entry.priority - one.entry.priority ||
      this.#usage.ofPlan(one.entry.planId) - this.#usage.ofPlan(other.entry.planId) ||
      one.number - other.number
    );
  }
}
