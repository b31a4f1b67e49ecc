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
  budgetsOn({ demand }: ScheduleEntry, limits: ScheduleLimits): readonly BudgetReached[] {
    return budgets.flatMap(({ of, name, say }) => {
      const [limit, needed, used] = [limits[of], demand[of], this.#get(of)];
      if (limit === undefined || needed === 0 || used + needed <= limit) return [];
      if (needed > limit && used === 0) return [];
      return [
        { of, reason: `${name}: ${say(used)} of ${say(limit)} are in use, and it needs ${say(needed)}` },
      ];
    });
  }

  #get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  #change(entry: ScheduleEntry, by: 1 | -1): void {
    const { planId, provider, target, demand } = entry;
    const places = ['vms', `plan ${planId}`, `provider ${provider}`, hostKey(entry), `target ${target}`];
    for (const key of places) this.#counts.set(key, this.#get(key) + by);
    for (const { of } of budgets) this.#counts.set(of, this.#get(of) + by * demand[of]);
  }
}

export type Budget = 'cpus' | 'memoryBytes' | 'storageBytes';
export interface BudgetReached {
  readonly of: Budget;
  readonly reason: string;
}

const gibibytes = (bytes: number): string => `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;
const budgets: readonly {
  readonly of: Budget;
  readonly name: string;
  readonly say: (amount: number) => string;
}[] = [
  { of: 'cpus', name: 'CPUs', say: String },
  { of: 'memoryBytes', name: 'memory', say: gibibytes },
  { of: 'storageBytes', name: 'storage', say: gibibytes },
];

const hostKey = ({ provider, host }: ScheduleEntry): string => `host ${provider} ${host ?? ''}`;
