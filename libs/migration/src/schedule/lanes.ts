import type { EventOf, ScheduleLimits } from '@ledgerlift/contracts';

/** A VM that waits for a slot or holds one. */
export type ScheduleEntry = EventOf<'VmEnqueued'>['data'];

export const scheduleKey = (migrationId: string, vm: number): string => `${migrationId}/${vm}`;

export interface Waiting<E> {
  readonly entry: E;
  /** Order of arrival: the lowest goes first. */
  readonly number: number;
  /** How often a later VM was admitted although it took room that this one needs. */
  passed: number;
}

/** Entries that the same limits admit or hold back, up to small differences of size: only the first needs a check. */
type Lane<E> = Map<string, Waiting<E>>;

/**
 * Waiting entries, sorted into lanes. Ten thousand entries make some tens of lanes, so filling a free slot checks only the
 * heads of the lanes.
 */
export class Lanes<E> {
  readonly #lanes = new Map<string, Lane<E>>();
  readonly #laneOf = new Map<string, string>();
  #last = 0;

  /** @param laneKey entries with the same key share a lane */
  constructor(private readonly laneKey: (entry: E) => string) {}

  get size(): number {
    return this.#laneOf.size;
  }

  get(key: string): Waiting<E> | undefined {
    const lane = this.#laneOf.get(key);
    return lane === undefined ? undefined : this.#lanes.get(lane)?.get(key);
  }

  /** In order of arrival. */
  entries(): readonly E[] {
    return [...this.#lanes.values()]
      .flatMap((lane) => [...lane.values()])
      .toSorted((one, other) => one.number - other.number)
      .map(({ entry }) => entry);
  }

  /** Adds the entry at the end of its lane, in place of an earlier entry with the same key. */
  add(key: string, entry: E): void {
    this.remove(key);
    this.#last += 1;
    this.#put(key, { entry, number: this.#last, passed: 0 });
  }

  remove(key: string): void {
    const laneKey = this.#laneOf.get(key);
    if (laneKey === undefined) return;
    this.#laneOf.delete(key);
    const lane = this.#lanes.get(laneKey);
    lane?.delete(key);
    if (lane?.size === 0) this.#lanes.delete(laneKey);
  }

  /** Rebuilds the lanes after `laneKey` changed. */
  sortAnew(): void {
    const all = [...this.#lanes.values()]
      .flatMap((lane) => [...lane])
      .sort(([, one], [, other]) => one.number - other.number);
    this.#lanes.clear();
    for (const [key, waiting] of all) this.#put(key, waiting);
  }

  /** The first entry of each lane, skipping those in `without`. */
  heads(without: ReadonlySet<Waiting<E>> = new Set()): readonly Waiting<E>[] {
    return [...this.#lanes.values()].flatMap((lane) => {
      for (const each of lane.values()) if (!without.has(each)) return [each];
      return [];
    });
  }

  #put(key: string, waiting: Waiting<E>): void {
    const laneKey = this.laneKey(waiting.entry);
    const lane = this.#lanes.get(laneKey) ?? new Map<string, Waiting<E>>();
    lane.set(key, waiting);
    this.#lanes.set(laneKey, lane);
    this.#laneOf.set(key, laneKey);
  }
}

/** Identifies the host; by id where possible, because names may repeat. */
export const hostOf = ({ host, hostId }: ScheduleEntry): string => hostId ?? host ?? '';
/** How many disks the VM opens while it runs. */
export const disksIn = ({ storages }: ScheduleEntry): number =>
  Object.values(storages).reduce((sum, count) => sum + count, 0);
/** Sizes of the same order of magnitude. */
export const magnitude = (amount: number): number => (amount === 0 ? -1 : Math.floor(Math.log2(amount)));
/** The same storages, with about as many disks on each. */
export const magnitudes = (storages: ScheduleEntry['storages']): readonly (readonly [string, number])[] =>
  Object.entries(storages)
    .map(([storage, count]) => [storage, magnitude(count)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));

/** The order in which waiting VMs are admitted. */

/** A cutover first, because its source is off or about to be; then VMs that have begun, then those that have not. */
const purposes: Readonly<Record<ScheduleEntry['purpose'], number>> = {
  cutover: 0,
  'go-on': 1,
  precopy: 2,
  begin: 3,
};
export const purposeRank = ({ purpose }: ScheduleEntry): number => purposes[purpose];

/**
 * Whether `one` may use the room reserved for `kept`, because it is more urgent or arrived first. Rounds of warm VMs recur, so
 * here they are no more urgent than a VM that has not begun: otherwise that VM might wait forever.
 */
export const precedes = (one: Waiting<ScheduleEntry>, kept: Waiting<ScheduleEntry>): boolean =>
  (urgency(one.entry) - urgency(kept.entry) ||
    kept.entry.priority - one.entry.priority ||
    one.number - kept.number) <= 0;

const urgency = (entry: ScheduleEntry): number => Math.min(purposeRank(entry), purposes.precopy);

/** VMs in one lane differ in nothing that decides on admission. Storages count only if they are limited. */
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
