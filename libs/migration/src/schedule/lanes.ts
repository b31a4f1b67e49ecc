import type { EventOf } from '@ledgerlift/contracts';

/** A VM that waits for a place or has one. */
export type ScheduleEntry = EventOf<'VmEnqueued'>['data'];

export const scheduleKey = (migrationId: string, vm: number): string => `${migrationId}/${vm}`;

export interface Waiting<E> {
  readonly entry: E;
  /** Grows with each that comes: who came first goes first. */
  readonly number: number;
  /** How often somebody who came later was let in although it took of what this one needs. */
  passed: number;
}

/** Those that the same limits let in or keep back, but for small differences of size: only the first need be looked at. */
type Lane<E> = Map<string, Waiting<E>>;

/**
 * Those who wait, sorted into lanes. With ten thousand of them there are some tens of lanes, so that a free place costs
 * a look at the heads of these, not at everybody.
 */
export class Lanes<E> {
  readonly #lanes = new Map<string, Lane<E>>();
  readonly #laneOf = new Map<string, string>();
  #last = 0;

  /** @param laneKey who has the same is in the same lane */
  constructor(private readonly laneKey: (entry: E) => string) {}

  get size(): number {
    return this.#laneOf.size;
  }

  get(key: string): Waiting<E> | undefined {
    const lane = this.#laneOf.get(key);
    return lane === undefined ? undefined : this.#lanes.get(lane)?.get(key);
  }

  /** In the order in which they came. */
  entries(): readonly E[] {
    return [...this.#lanes.values()]
      .flatMap((lane) => [...lane.values()])
      .toSorted((one, other) => one.number - other.number)
      .map(({ entry }) => entry);
  }

  /** At the end of its lane; who waits already and comes for something else leaves the earlier place. */
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

  /** What the lanes are told apart by has changed. */
  sortAnew(): void {
    const all = [...this.#lanes.values()]
      .flatMap((lane) => [...lane])
      .sort(([, one], [, other]) => one.number - other.number);
    this.#lanes.clear();
    for (const [key, waiting] of all) this.#put(key, waiting);
  }

  /** The first of each lane; of those that are not left out. */
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

/** What tells its host from others, of which some may have the same name. */
export const hostOf = ({ host, hostId }: ScheduleEntry): string => hostId ?? host ?? '';
/** How many of its disks are open while it runs. */
export const disksIn = ({ storages }: ScheduleEntry): number =>
  Object.values(storages).reduce((sum, count) => sum + count, 0);
/** Sizes of the same order of magnitude. */
export const magnitude = (amount: number): number => (amount === 0 ? -1 : Math.floor(Math.log2(amount)));
/** The same storages, with about as many disks on each. */
export const magnitudes = (storages: ScheduleEntry['storages']): readonly (readonly [string, number])[] =>
  Object.entries(storages)
    .map(([storage, count]) => [storage, magnitude(count)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
