import type { EventOf } from '@ledgerlift/contracts';

/** A VM that waits for a place or has one. */
export type ScheduleEntry = EventOf<'VmEnqueued'>['data'];

export const scheduleKey = (migrationId: string, vm: number): string => `${migrationId}/${vm}`;

export interface Waiting {
  readonly entry: ScheduleEntry;
  /** Grows with each that comes: who came first goes first. */
  readonly number: number;
  /** How often somebody behind it was admitted although only its size kept it back. */
  passed: number;
}

/** A source is about to be off, or is, for a cutover; what has begun goes before what has not. */
const purposes: Readonly<Record<ScheduleEntry['purpose'], number>> = {
  cutover: 0,
  'go-on': 1,
  precopy: 2,
  begin: 3,
};
export const purposeRank = ({ purpose }: ScheduleEntry): number => purposes[purpose];

/** VMs that the same limits let in or keep back, but for small differences of size: only the first need be looked at. */
export interface Lane {
  readonly key: string;
  readonly waiting: Map<string, Waiting>;
}

/**
 * Those who wait, sorted into lanes. With ten thousand of them there are some tens of lanes, so that a free place costs
 * a look at the heads of these, not at everybody.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #laneOf = new Map<string, Lane>();
  #last = 0;

  get size(): number {
    return this.#laneOf.size;
  }

  /** In the order in which they came. */
  all(): readonly ScheduleEntry[] {
    return [...this.#lanes.values()]
      .flatMap(({ waiting }) => [...waiting.values()])
      .toSorted((one, other) => one.number - other.number)
      .map(({ entry }) => entry);
  }

  get(key: string): Waiting | undefined {
    return this.#laneOf.get(key)?.waiting.get(key);
  }

  /** At the end of its lane; who waits already and comes for something else leaves the earlier place. */
  add(key: string, entry: ScheduleEntry): void {
    this.remove(key);
    const laneKey = laneKeyOf(entry);
    const lane = this.#lanes.get(laneKey) ?? { key: laneKey, waiting: new Map<string, Waiting>() };
    this.#last += 1;
    lane.waiting.set(key, { entry, number: this.#last, passed: 0 });
    this.#lanes.set(laneKey, lane);
    this.#laneOf.set(key, lane);
  }

  remove(key: string): void {
    const lane = this.#laneOf.get(key);
    if (lane === undefined) return;
    lane.waiting.delete(key);
    this.#laneOf.delete(key);
    if (lane.waiting.size === 0) this.#lanes.delete(lane.key);
  }

  /** The first of each lane; of those that are not left out. */
  heads(without: ReadonlySet<Waiting> = nobody): readonly Waiting[] {
    return [...this.#lanes.values()].flatMap(({ waiting }) => {
      for (const each of waiting.values()) if (!without.has(each)) return [each];
      return [];
    });
  }
}

const nobody: ReadonlySet<Waiting> = new Set();

function laneKeyOf(entry: ScheduleEntry): string {
  const { purpose, priority, planId, provider, host = '', target, demand, windows, maxConcurrent } = entry;
  const size = [demand.cpus, demand.memoryBytes, demand.storageBytes].map(magnitude);
  const disks = Object.entries(entry.storages)
    .map(([storage, count]) => [storage, magnitude(count)] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  const limits = [purpose, priority, planId, maxConcurrent, provider, host, target, windows];
  return JSON.stringify([...limits, size, disks]);
}

const magnitude = (amount: number): number => (amount === 0 ? -1 : Math.floor(Math.log2(amount)));
