import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import { Amounts, type Need } from './amounts.js';
import { Lanes, type Waiting, magnitudes, scheduleKey } from './lanes.js';
import { storageKey } from './usage.js';

/** A VM that wants to remove snapshots, or does. */
export type RemovalEntry = EventOf<'RemovalTurnEnqueued'>['data'];

/**
 * Who may remove snapshots: merging a disk with what a snapshot held is the dearest thing that can be asked of a
 * datastore, and everything else on it feels it. A turn is of a step, not of a whole VM: it ends when the step is done. All
 * that a turn needs is taken at once, and nobody passes one who came first without leaving room for it: so nobody waits
 * for ever.
 */
export class RemovalTurns {
  readonly #waiting = new Lanes<RemovalEntry>(({ provider, storages, urgent }) =>
    JSON.stringify([urgent, provider, magnitudes(storages)]),
  );
  readonly #given = new Map<string, RemovalEntry>();
  readonly #amounts = new Amounts();

  /** Who has a turn. */
  get given(): ReadonlyMap<string, RemovalEntry> {
    return this.#given;
  }

  /** Who has a turn, and who waits for one. */
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
      case 'RemovalTurnEnqueued':
        this.#waiting.add(scheduleKey(event.data.migrationId, event.data.vm), event.data);
        return;
      case 'RemovalTurnGiven': {
        const key = scheduleKey(event.data.migrationId, event.data.vm);
        const waiting = this.#waiting.get(key);
        if (waiting === undefined) return;
        this.#waiting.remove(key);
        this.#given.set(key, waiting.entry);
        this.#change(waiting.entry, 1);
        return;
      }
      case 'RemovalTurnReleased': {
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

  /** Nothing where it has a turn, or waits for one that is as urgent. */
  enqueue(entry: RemovalEntry): readonly DomainEvent[] {
    const key = scheduleKey(entry.migrationId, entry.vm);
    const isKnown = this.#given.has(key) || this.#waiting.get(key)?.entry.urgent === entry.urgent;
    return isKnown ? [] : [{ type: 'RemovalTurnEnqueued', data: { ...entry } }];
  }

  /** What is under way has its turn, also where it was begun before there were any. */
  took(entry: RemovalEntry): readonly DomainEvent[] {
    const { migrationId, vm } = entry;
    if (this.#given.has(scheduleKey(migrationId, vm))) return [];
    return [
      { type: 'RemovalTurnEnqueued', data: { ...entry } },
      { type: 'RemovalTurnGiven', data: { migrationId, vm } },
    ];
  }

  release(migrationId: string, vm: number): readonly DomainEvent[] {
    return this.stateOf(migrationId, vm) === undefined
      ? []
      : [{ type: 'RemovalTurnReleased', data: { migrationId, vm } }];
  }

  /** Turns that fit now, the first first. @param limit disks of one storage */
  admit(limit: number): readonly DomainEvent[] {
    // Only events change the state: what is tried out here is taken back at the end.
    const chosen = new Set<Waiting<RemovalEntry>>();
    for (let next = this.#next(limit, chosen); next !== undefined; next = this.#next(limit, chosen)) {
      chosen.add(next);
      this.#change(next.entry, 1);
    }
    for (const { entry } of chosen) this.#change(entry, -1);
    return [...chosen].map(({ entry: { migrationId, vm } }) => ({
      type: 'RemovalTurnGiven',
      data: { migrationId, vm },
    }));
  }

  /** For what a VM waits that wants a turn, in words; undefined where it does not wait. */
  reasonFor(migrationId: string, vm: number, limit: number): string | undefined {
    const waiting = this.#waiting.get(scheduleKey(migrationId, vm));
    if (waiting === undefined) return undefined;
    const [first] = this.#amounts.lacking(needsOf(waiting.entry, limit));
    return first === undefined ? itsTurn : `${itsTurn}: ${first.reason(this.#amounts.of(first.key))}`;
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

export const itsTurn = 'its turn to remove a snapshot';

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
