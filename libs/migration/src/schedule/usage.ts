import type { ScheduleLimits } from '@ledgerlift/contracts';
import { disksIn, hostOf, type ScheduleEntry } from './lanes.js';

/** What the running VMs use, by everything that can be limited. */
export class Usage {
  readonly #amounts = new Amounts();
  /** Cached, because waiting VMs are checked again and again. */
  readonly #needs = new WeakMap<
    ScheduleEntry,
    { readonly limits: ScheduleLimits; readonly needs: readonly Need[] }
  >();

  add(entry: ScheduleEntry): void {
    for (const [key, amount] of amountsOf(entry)) this.#amounts.change(key, amount);
  }

  remove(entry: ScheduleEntry): void {
    for (const [key, amount] of amountsOf(entry)) this.#amounts.change(key, -amount);
  }

  get vms(): number {
    return this.#amounts.of('vms');
  }

  ofPlan(planId: string): number {
    return this.#amounts.of(`plan ${planId}`);
  }

  /** The needs of a VM that do not fit now; none if it may run. */
  lacking(entry: ScheduleEntry, limits: ScheduleLimits): readonly Need[] {
    return this.#amounts.lacking(this.#needsOf(entry, limits));
  }

  /** Why the VM may not run now, in words; undefined if it may. */
  reason(entry: ScheduleEntry, limits: ScheduleLimits): string | undefined {
    const [first] = this.lacking(entry, limits);
    return first?.reason(this.#amounts.of(first.key));
  }

  /** Whether the VM waits only because it is too large for the free room. */
  lacksOnlySize(entry: ScheduleEntry, limits: ScheduleLimits): boolean {
    return this.lacking(entry, limits).every(({ of }) => of === 'size');
  }

  /** Whether `kept` would fit beside `entry`. */
  leavesRoom(entry: ScheduleEntry, kept: ScheduleEntry, limits: ScheduleLimits): boolean {
    return this.#amounts.leavesRoom(this.#needsOf(entry, limits), this.#needsOf(kept, limits));
  }

  /**
   * Whether `entry` takes room that `passed` needs, and is the only reason why `passed` waits. Slots do not count: they are
   * handed out in order.
   */
  takesRoom(entry: ScheduleEntry, passed: ScheduleEntry, limits: ScheduleLimits): boolean {
    if (!this.lacksOnlySize(passed, limits)) return false;
    const sizes = this.#needsOf(passed, limits).filter(({ of }) => of === 'size');
    return !this.#amounts.leavesRoom(this.#needsOf(entry, limits), sizes);
  }

  #needsOf(entry: ScheduleEntry, limits: ScheduleLimits): readonly Need[] {
    const known = this.#needs.get(entry);
    if (known?.limits === limits) return known.needs;
    const needs = needsOf(entry, limits);
    this.#needs.set(entry, { limits, needs });
    return needs;
  }
}

/** Everything that the VM uses, limited or not: a limit may be set later. */
function amountsOf(entry: ScheduleEntry): readonly (readonly [key: string, amount: number])[] {
  const { planId, provider, host, target, demand, storages } = entry;
  return [
    ['vms', 1],
    [`plan ${planId}`, 1],
    [`provider ${provider}`, 1],
    [`target ${target}`, 1],
    ...(host === undefined
      ? []
      : [[hostKey(entry), 1] as const, [`disks of ${hostKey(entry)}`, disksIn(entry)] as const]),
    ...Object.entries(storages).map(([storage, count]) => [storageKey(provider, storage), count] as const),
    ...budgets.map(({ of }) => [of, demand[of]] as const),
  ];
}

/** What the VM needs of everything limited; slots first. */
function needsOf(entry: ScheduleEntry, limits: ScheduleLimits): readonly Need[] {
  const { planId, provider, host, target, maxConcurrent, demand, storages, storageNames } = entry;
  const named = (storage: string): string => storageNames?.[storage] ?? storage;
  const place = (key: string, limit: number | undefined, whose: string): readonly Need[] =>
    limit === undefined
      ? []
      : [
          {
            of: 'place',
            key,
            amount: 1,
            limit,
            reason: (used) => `a free slot: ${used} VMs run, the limit of ${whose}`,
          },
        ];
  const disk = (key: string, amount: number, limit: number | undefined, where: string): readonly Need[] =>
    limit === undefined
      ? []
      : [
          {
            of: 'size',
            key,
            amount,
            limit,
            reason: (used) => `disks ${where}: ${used} of ${limit} are open, and the VM needs ${amount}`,
          },
        ];
  return [
    ...place('vms', limits.vms, 'the installation'),
    ...place(`plan ${planId}`, maxConcurrent, 'the plan'),
    ...place(`provider ${provider}`, limits.vmsPerProvider, 'the source'),
    ...(host === undefined ? [] : place(hostKey(entry), limits.vmsPerHost, `the host ${host}`)),
    ...place(`target ${target}`, limits.vmsPerTarget, 'the target'),
    ...(host === undefined
      ? []
      : disk(`disks of ${hostKey(entry)}`, disksIn(entry), limits.disksPerHost, `of the host ${host}`)),
    ...Object.entries(storages).flatMap(([storage, count]) =>
      disk(storageKey(provider, storage), count, limits.disksPerStorage, `on ${named(storage)}`),
    ),
    ...budgets.flatMap(({ of, name, say }): readonly Need[] => {
      const [limit, amount] = [limits[of], demand[of]];
      if (limit === undefined) return [];
      const reason = (used: number): string =>
        `${name}: ${say(used)} of ${say(limit)} are in use, and the VM needs ${say(amount)}`;
      return [{ of: 'size', key: of, amount, limit, reason }];
    }),
  ];
}

export const storageKey = (provider: string, storage: string): string => `storage ${provider} ${storage}`;
const hostKey = (entry: ScheduleEntry): string => `host ${entry.provider} ${hostOf(entry)}`;

const gibibytes = (bytes: number): string => `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;
const budgets: readonly {
  readonly of: 'cpus' | 'memoryBytes' | 'storageBytes';
  readonly name: string;
  readonly say: (amount: number) => string;
}[] = [
  { of: 'cpus', name: 'CPUs', say: String },
  { of: 'memoryBytes', name: 'memory', say: gibibytes },
  { of: 'storageBytes', name: 'storage', say: gibibytes },
];

/** How much a VM needs of something limited. */
export interface Need {
  /** Every VM needs exactly one `place` (slot); the `size` that it needs differs between VMs. */
  readonly of: 'place' | 'size';
  readonly key: string;
  readonly amount: number;
  readonly limit: number;
  /** Why the VM must wait, in words, given the amount in use. */
  readonly reason: (used: number) => string;
}

/** The amounts in use, by key. */
export class Amounts {
  readonly #used = new Map<string, number>();

  of(key: string): number {
    return this.#used.get(key) ?? 0;
  }

  change(key: string, by: number): void {
    const used = this.of(key) + by;
    if (used === 0) this.#used.delete(key);
    else this.#used.set(key, used);
  }

  /** Needs that do not fit now. One that exceeds its whole limit fits when nothing else uses that limit. */
  lacking(needs: readonly Need[]): readonly Need[] {
    return needs.filter(({ key, amount, limit }) => {
      const used = this.of(key);
      return amount > 0 && used + amount > limit && (used > 0 || limit === 0);
    });
  }

  /** Whether both fit beside the amounts in use, for the keys that both need. */
  leavesRoom(needs: readonly Need[], kept: readonly Need[]): boolean {
    return kept.every(({ key, amount, limit }) => {
      const taken = needs.find((need) => need.key === key)?.amount ?? 0;
      return taken === 0 || amount === 0 || this.of(key) + taken + amount <= limit;
    });
  }
}
