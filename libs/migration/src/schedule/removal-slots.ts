import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import { Amounts, type Need, storageKey } from './usage.js';
import { Lanes, type Waiting, magnitudes, scheduleKey } from './lanes.js';

/** A VM that removes snapshots, or wants to. */
export type RemovalEntry = EventOf<'RemovalSlotEnqueued'>['data'];

/**
 * Limits how many disks of one datastore are consolidated at once: merging a snapshot into its disk is the most expensive
 * operation on a datastore, and slows down every VM on it. A slot belongs to one step, not to the whole VM, and ends with
 * the step. A slot covers all disks of the VM or none, and a later VM gets one only if it leaves room for those before it,
 * so no VM waits forever.
 */
export class RemovalSlots {
  readonly #waiting = new Lanes<RemovalEntry>(({ provider, storages, urgent }) =>
    JSON.stringify([urgent, provider, magnitudes(storages)]),
  );
  readonly #given = new Map<string, RemovalEntry>();
  readonly #amounts = new Amounts();

  /** VMs that hold a slot. */
  get given(): ReadonlyMap<string, RemovalEntry> {
    return this.#given;
  }

  /** VMs that hold a slot, then VMs that wait for one. */
  all(): readonly RemovalEntry[] {
    return [...this.#given.values(), ...this.#waiting.entries()];
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  stateOf(migrationId: string, vm: number): 'given' | 'waiting' | undefined {
    const key = scheduleKey(migrationId, vm);
    if (this.#given.has(key)) return 'given';
    return this.#waiting.get(key) === undefined ? undefined : 'waiting';
  }

  apply(event: DomainEvent): void {
    switch (event.type) {
      case 'RemovalSlotEnqueued':
        this.#waiting.add(scheduleKey(event.data.migrationId, event.data.vm), event.data);
        return;
      case 'RemovalSlotGiven': {
        const key = scheduleKey(event.data.migrationId, event.data.vm);
        const waiting = this.#waiting.get(key);
        if (waiting === undefined) return;
        this.#waiting.remove(key);
        this.#given.set(key, waiting.entry);
        this.#change(waiting.entry, 1);
        return;
      }
      case 'RemovalSlotReleased': {
        const key = scheduleKey(event.data.migrationId, event.data.vm);
        this.#waiting.remove(key);
        const entry = this.#given.get(key);
        if (entry === undefined) return;
        this.#given.delete(key);
        this.#change(entry, -1);
        return;
      }
      default:
        return;
    }
  }

  /** @returns no events if the VM holds a slot already, or waits for one with the same urgency */
  enqueue(entry: RemovalEntry): readonly DomainEvent[] {
    const key = scheduleKey(entry.migrationId, entry.vm);
    const isKnown = this.#given.has(key) || this.#waiting.get(key)?.entry.urgent === entry.urgent;
    return isKnown ? [] : [{ type: 'RemovalSlotEnqueued', data: { ...entry } }];
  }

  /** Records a removal that is running already, even if it began before slots existed. */
  took(entry: RemovalEntry): readonly DomainEvent[] {
    const { migrationId, vm } = entry;
    if (this.#given.has(scheduleKey(migrationId, vm))) return [];
    return [
      { type: 'RemovalSlotEnqueued', data: { ...entry } },
      { type: 'RemovalSlotGiven', data: { migrationId, vm } },
    ];
  }

  release(migrationId: string, vm: number): readonly DomainEvent[] {
    return this.stateOf(migrationId, vm) === undefined
      ? []
      : [{ type: 'RemovalSlotReleased', data: { migrationId, vm } }];
  }

  /** Slots that fit now, in order. @param limit disks of one storage */
  admit(limit: number): readonly DomainEvent[] {
    // Only events change the state: these trial admissions are undone at the end.
    const chosen = new Set<Waiting<RemovalEntry>>();
    for (let next = this.#next(limit, chosen); next !== undefined; next = this.#next(limit, chosen)) {
      chosen.add(next);
      this.#change(next.entry, 1);
    }
    for (const { entry } of chosen) this.#change(entry, -1);
    return [...chosen].map(({ entry: { migrationId, vm } }) => ({
      type: 'RemovalSlotGiven',
      data: { migrationId, vm },
    }));
  }

  /** Why the VM waits for a slot, in words; undefined if it does not wait. */
  reasonFor(migrationId: string, vm: number, limit: number): string | undefined {
    const waiting = this.#waiting.get(scheduleKey(migrationId, vm));
    if (waiting === undefined) return undefined;
    const [first] = this.#amounts.lacking(needsOf(waiting.entry, limit));
    return first === undefined ? removalSlot : `${removalSlot}: ${first.reason(this.#amounts.of(first.key))}`;
  }

  #next(limit: number, chosen: ReadonlySet<Waiting<RemovalEntry>>): Waiting<RemovalEntry> | undefined {
    const kept: (readonly Need[])[] = [];
    for (const head of this.#waiting.heads(chosen).toSorted(inOrder)) {
      const needs = needsOf(head.entry, limit);
      const mayGo = kept.every((each) => this.#amounts.leavesRoom(needs, each));
      if (mayGo && this.#amounts.lacking(needs).length === 0) return head;
      kept.push(needs);
    }
    return undefined;
  }

  #change({ provider, storages }: RemovalEntry, by: 1 | -1): void {
    for (const [storage, count] of Object.entries(storages))
      this.#amounts.change(storageKey(provider, storage), by * count);
  }
}

export const removalSlot = 'a slot to remove a snapshot';

const inOrder = (one: Waiting<RemovalEntry>, other: Waiting<RemovalEntry>): number =>
  Number(other.entry.urgent) - Number(one.entry.urgent) || one.number - other.number;

const needsOf = ({ provider, storages, storageNames }: RemovalEntry, limit: number): readonly Need[] =>
  Object.entries(storages).map(([storage, amount]) => ({
    of: 'size',
    key: storageKey(provider, storage),
    amount,
    limit,
    reason: (used) =>
      `${used} ${used === 1 ? 'disk' : 'disks'} of ${storageNames?.[storage] ?? storage} ${used === 1 ? 'is' : 'are'} being consolidated`,
  }));
