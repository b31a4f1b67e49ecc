import type { ScheduleLimits } from '@ledgerlift/contracts';
import type { ScheduleEntry } from './lanes.js';

/** What is in flight, counted by all that a limit may be set on. */
export class Usage {
  readonly #counts = new Map<string, number>();

  add(entry: ScheduleEntry): void {
    this.#change(entry, 1);
  }

  remove(entry: ScheduleEntry): void {
    this.#change(entry, -1);
  }

  get vms(): number {
    return this.#get('vms');
  }

  ofPlan(planId: string): number {
    return this.#get(`plan ${planId}`);
  }

  /**
   * Why no more like it may run now, in words; undefined where a place is free. How large it is does not count here.
   */
  limitOn(entry: ScheduleEntry, limits: ScheduleLimits): string | undefined {
    const { planId, provider, host, target, maxConcurrent } = entry;
    const checks: readonly (readonly [key: string, limit: number | undefined, whose: string])[] = [
      ['vms', limits.vms, 'the limit of the installation'],
      [`plan ${planId}`, maxConcurrent, 'the limit of the plan'],
      [`provider ${provider}`, limits.vmsPerProvider, 'the limit of the source'],
      [
        hostKey(entry),
        host === undefined ? undefined : limits.vmsPerHost,
        `the limit of the host ${host ?? ''}`,
      ],
      [`target ${target}`, limits.vmsPerTarget, 'the limit of the target'],
    ];
    const reached = checks.find(([key, limit]) => limit !== undefined && this.#get(key) >= limit);
    return reached && `a free place: ${this.#get(reached[0])} VMs run, ${reached[2]}`;
  }

  /** The budgets that it does not fit into. One that is larger than the whole budget fits when nothing else is in it. */
  budgetsOn(entry: ScheduleEntry, limits: ScheduleLimits): readonly BudgetReached[] {
    return demandsOf(entry).flatMap(({ budget, limitedBy, name, say, amount: needed }) => {
      const [limit, used] = [limits[limitedBy], this.#get(budget)];
      if (limit === undefined || needed === 0 || used + needed <= limit) return [];
      if (needed > limit && used === 0) return [];
      return [
        { budget, reason: `${name}: ${say(used)} of ${say(limit)} are in use, and it needs ${say(needed)}` },
      ];
    });
  }

  #get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  #change(entry: ScheduleEntry, by: 1 | -1): void {
    const { planId, provider, target } = entry;
    const places = ['vms', `plan ${planId}`, `provider ${provider}`, hostKey(entry), `target ${target}`];
    for (const key of places) this.#counts.set(key, this.#get(key) + by);
    for (const { budget, amount } of demandsOf(entry))
      this.#counts.set(budget, this.#get(budget) + by * amount);
  }
}

export interface BudgetReached {
  /** Which: one of the installation, or of one host or storage. */
  readonly budget: string;
  readonly reason: string;
}

interface Demand {
  readonly budget: string;
  readonly limitedBy: 'cpus' | 'memoryBytes' | 'storageBytes' | 'disksPerHost' | 'disksPerStorage';
  readonly amount: number;
  readonly name: string;
  readonly say: (amount: number) => string;
}

/** Whether it needs anything of a budget. */
export const takesOf = (budget: string, entry: ScheduleEntry): boolean =>
  demandsOf(entry).some((demand) => demand.budget === budget && demand.amount > 0);

/** All that a VM takes of budgets while it has a place. */
function demandsOf(entry: ScheduleEntry): readonly Demand[] {
  const { provider, host, demand, storages } = entry;
  const disks = Object.values(storages).reduce((sum, each) => sum + each, 0);
  const ofHost: Demand = {
    budget: `disks of ${hostKey(entry)}`,
    limitedBy: 'disksPerHost',
    amount: disks,
    name: `open disks of the host ${host ?? ''}`,
    say: String,
  };
  return [
    { budget: 'cpus', limitedBy: 'cpus', amount: demand.cpus, name: 'CPUs', say: String },
    {
      budget: 'memory',
      limitedBy: 'memoryBytes',
      amount: demand.memoryBytes,
      name: 'memory',
      say: gibibytes,
    },
    {
      budget: 'storage',
      limitedBy: 'storageBytes',
      amount: demand.storageBytes,
      name: 'storage',
      say: gibibytes,
    },
    ...(host === undefined ? [] : [ofHost]),
    ...Object.entries(storages).map(([storage, amount]): Demand => ({
      budget: `disks of storage ${provider} ${storage}`,
      limitedBy: 'disksPerStorage',
      amount,
      name: `open disks of ${storage}`,
      say: String,
    })),
  ];
}

const gibibytes = (bytes: number): string => `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;
const hostKey = ({ provider, host }: ScheduleEntry): string => `host ${provider} ${host ?? ''}`;
