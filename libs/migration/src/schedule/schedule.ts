import type { DomainEvent, ScheduleLimits } from '@ledgerlift/contracts';
import { Lanes, type ScheduleEntry, type Waiting as WaitingFor, scheduleKey } from './lanes.js';
import { laneKeyOf, precedes, purposeRank } from './order.js';
import { RemovalTurns } from './removal-turns.js';
import { Usage } from './usage.js';
import { isOpen, nextOpening } from './windows.js';

type Waiting = WaitingFor<ScheduleEntry>;

/** So often may smaller VMs pass one that is too large for what is free; then what it needs is kept for it. */
const MOST_PASSES = 8;

/**
 * Who may run: the second decider, on the one stream `schedule`, at exact revision. Cutovers first, then what has begun,
 * then what has not; within that by priority, then plan by plan, then who came first. Whoever's own limit is reached
 * lets others pass. Folded in place: with ten thousand VMs nothing may be copied for each event.
 */
export class Schedule {
  readonly #waiting = new Lanes<ScheduleEntry>((entry) => laneKeyOf(entry, this.#limits));
  readonly #running = new Map<string, ScheduleEntry>();
  readonly #usage = new Usage();
  /** Who may remove snapshots, of those that have a place and of those that are at their end. */
  readonly removals = new RemovalTurns();
  #limits: ScheduleLimits;

  /** @param limits until an event sets others */
  constructor(limits: ScheduleLimits) {
    this.#limits = limits;
  }

  get limits(): ScheduleLimits {
    return this.#limits;
  }

  /** Who has a place, in the order in which they got it. */
  get running(): ReadonlyMap<string, ScheduleEntry> {
    return this.#running;
  }

  /** Who wants a place, in the order in which they came. */
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

  /** Nothing where it has a place, or waits for one for the same purpose. */
  enqueue(entry: ScheduleEntry): readonly DomainEvent[] {
    const key = scheduleKey(entry.migrationId, entry.vm);
    const known = this.#waiting.get(key)?.entry;
    const isKnown = known?.purpose === entry.purpose && known.priority === entry.priority;
    return this.#running.has(key) || isKnown ? [] : [{ type: 'VmEnqueued', data: { ...entry } }];
  }

  release(migrationId: string, vm: number): readonly DomainEvent[] {
    return this.has(migrationId, vm) ? [{ type: 'VmSlotReleased', data: { migrationId, vm } }] : [];
  }

  /** Admissions and turns that fit now, the first first. */
  admit(at: Date): readonly DomainEvent[] {
    // Only events change the state: what is tried out here is taken back at the end.
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

  /** What a waiting VM waits for, in words; undefined where it does not wait. */
  reasonFor(migrationId: string, vm: number, at: Date): string | undefined {
    const waiting = this.#waiting.get(scheduleKey(migrationId, vm));
    if (waiting === undefined) return undefined;
    const { entry } = waiting;
    const window = this.#closedUntil(entry, at);
    if (window !== undefined) return `the maintenance window that opens at ${window.toISOString()}`;
    const own = this.#usage.reason(entry, this.#limits);
    if (own !== undefined) return own;
    return this.#leavesRoom(waiting, this.#kept(this.#open(at)))
      ? 'its turn'
      : 'room that is kept for a larger VM before it';
  }

  /** For what a VM waits whose snapshots are to be removed; undefined where it does not wait. */
  reasonForRemoval(migrationId: string, vm: number): string | undefined {
    return this.removals.reasonFor(migrationId, vm, this.#limits.snapshotRemovalsPerStorage);
  }

  /** When a window opens for somebody who waits; undefined where nobody waits for one. */
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

  /** Those who were passed too often, and could run but for their size: all that they need is kept for them. */
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

  /** When the windows open; undefined where they are open, or do not bind: what has begun is gone on with. */
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
