import type { ScheduleLimits } from '@ledgerlift/contracts';
import { Amounts, type Need } from './amounts.js';
import { type ScheduleEntry, disksIn, hostOf } from './lanes.js';

/** What is in flight, counted by all that a limit may be set on. */
export class Usage {
  readonly #amounts = new Amounts();
  /** Who waits is looked at again and again. */
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

  /** Of what there is not enough for it; none: it may run. */
  lacking(entry: ScheduleEntry, limits: ScheduleLimits): readonly Need[] {
    return this.#amounts.lacking(this.#needsOf(entry, limits));
  }

  /** Why it may not run now, in words; undefined where it may. */
  reason(entry: ScheduleEntry, limits: ScheduleLimits): string | undefined {
    const [first] = this.lacking(entry, limits);
    return first?.reason(this.#amounts.of(first.key));
  }

  /** Whether it waits for nothing but what it is too large for. */
  lacksOnlySize(entry: ScheduleEntry, limits: ScheduleLimits): boolean {
    return this.lacking(entry, limits).every(({ of }) => of === 'size');
  }

  /** Whether `kept` would fit beside it. */
  leavesRoom(entry: ScheduleEntry, kept: ScheduleEntry, limits: ScheduleLimits): boolean {
    return this.#amounts.leavesRoom(this.#needsOf(entry, limits), this.#needsOf(kept, limits));
  }

  /**
   * Whether it takes room that `passed` would need, and so keeps it waiting, though nothing else does. Places do not
   * count: whoever waits for one gets it in turn.
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

/** All that it takes, whether a limit is set on it or not: one may be set later. */
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

/** What it needs of all on which a limit is set; places first. */
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
            reason: (used) => `a free place: ${used} VMs run, the limit of ${whose}`,
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
            reason: (used) => `disks ${where}: ${used} of ${limit} are open, and it needs ${amount}`,
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
        `${name}: ${say(used)} of ${say(limit)} are in use, and it needs ${say(amount)}`;
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
