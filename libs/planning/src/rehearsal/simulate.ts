import type { ScheduleLimits, VmRecord, WaveSettings } from '@ledgerlift/contracts';
import { nextOpening, Schedule, type ScheduleEntry, scheduleKey } from '@ledgerlift/migration';
import type { VmForecast } from './forecast.js';

/** A VM to simulate. */
export interface Job {
  /** Its entry in the schedule at its start; `vm` is its number. */
  readonly entry: ScheduleEntry;
  readonly wave: number;
  readonly firstMs: number;
  /** A warm VM releases its slot after the initial copy, and wants one again for its cutover. */
  readonly cutover: { readonly ms: number; notBefore(ready: Date): Date } | undefined;
}

/** A VM of another migration. */
export interface Other extends Omit<Job, 'wave'> {
  /** A time: the VM wants a slot from then on. `firstMs` is its remaining work. */
  readonly slot: 'held' | 'wanted' | Date;
}

export interface SimulatedBeside {
  readonly others?: readonly Other[];
  /** Time of the plan's hooks before its first VM begins. */
  readonly delayMs?: number;
}

/** Times on the virtual clock; undefined if it never happens. */
export interface Simulated {
  /** Its position, from 1, in the order of admission. */
  readonly order: number | undefined;
  readonly beginsAt: Date | undefined;
  readonly endsAt: Date | undefined;
  /** Why it did not begin with its wave. */
  readonly waitedFor: string | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** A VM in the simulation. */
interface Vm extends Omit<Job, 'wave'> {
  hasBegun: boolean;
  /** Absent for a VM of another migration. */
  readonly own: { readonly wave: number; readonly result: Mutable<Simulated> } | undefined;
}
type Happening =
  { readonly kind: 'begin' } | { readonly kind: 'first-over' | 'cutover-due' | 'end'; readonly vm: Vm };

/**
 * Predicts when each VM gets a slot, by running the planner's own schedule on a virtual clock: each VM holds its slot for as
 * long as forecast, and each succeeds.
 *
 * @param jobs in the order of their numbers, from 0 on
 */
export function simulate(
  jobs: readonly Job[],
  limits: ScheduleLimits,
  waves: WaveSettings,
  start: Date,
  { others = [], delayMs = 0 }: SimulatedBeside = {},
): readonly Simulated[] {
  const schedule = new Schedule(limits);
  const agenda = new Agenda<Happening>();
  const vms = new Map<string, Vm>();
  const add = (job: Omit<Job, 'wave'>, own: Vm['own']): Vm => {
    const vm = { entry: job.entry, firstMs: job.firstMs, cutover: job.cutover, hasBegun: false, own };
    vms.set(scheduleKey(job.entry.migrationId, job.entry.vm), vm);
    return vm;
  };
  const results = jobs.map((job) => {
    const result = { order: undefined, beginsAt: undefined, endsAt: undefined, waitedFor: undefined };
    add(job, { wave: job.wave, result });
    return result as Mutable<Simulated>;
  });
  const open = waveQueue(jobs, waves.minSucceededPercent);
  let admitted = 0;
  let now = start.getTime();

  const wait = (entry: ScheduleEntry): void =>
    schedule.enqueue(entry).forEach((event) => schedule.apply(event));
  const hasPlace = (vm: Vm): void => {
    if (vm.hasBegun) {
      agenda.add(now + (vm.cutover?.ms ?? 0), { kind: 'end', vm });
      return;
    }
    vm.hasBegun = true;
    agenda.add(now + vm.firstMs, { kind: vm.cutover === undefined ? 'end' : 'first-over', vm });
    if (vm.own === undefined) return;
    admitted += 1;
    Object.assign(vm.own.result, { order: admitted, beginsAt: new Date(now) });
  };
  const admit = (): void => {
    for (const event of schedule.admit(new Date(now))) {
      schedule.apply(event);
      const vm =
        event.type === 'VmAdmitted' ? vms.get(scheduleKey(event.data.migrationId, event.data.vm)) : undefined;
      if (vm !== undefined) hasPlace(vm);
    }
  };
  const beginWave = (wave: readonly Job[]): void => {
    for (const { entry } of wave) wait(entry);
    admit();
    for (const { entry } of wave) {
      const result = results[entry.vm];
      if (result?.beginsAt === undefined && result !== undefined)
        result.waitedFor = schedule.reasonFor(entry.migrationId, entry.vm, new Date(now));
    }
  };
  const happen = (happening: Happening): void => {
    if (happening.kind === 'begin') {
      for (const wave of open.first()) beginWave(wave);
      return;
    }
    const { kind, vm } = happening;
    if (kind === 'cutover-due') {
      wait({ ...vm.entry, purpose: 'cutover' });
      return;
    }
    for (const event of schedule.release(vm.entry.migrationId, vm.entry.vm)) schedule.apply(event);
    if (kind === 'first-over') {
      const due = vm.cutover?.notBefore(new Date(now)).getTime() ?? now;
      agenda.add(Math.max(now, due), { kind: 'cutover-due', vm });
      return;
    }
    if (vm.own === undefined) return;
    vm.own.result.endsAt = new Date(now);
    for (const wave of open.ended(vm.own.wave)) beginWave(wave);
  };

  for (const { slot, ...job } of others) {
    const vm = add(job, undefined);
    const { migrationId, vm: number } = job.entry;
    if (slot instanceof Date) {
      vm.hasBegun = true;
      agenda.add(Math.max(now, slot.getTime()), { kind: 'cutover-due', vm });
      continue;
    }
    wait(job.entry);
    if (slot === 'wanted') continue;
    // It got its slot under the limits of that time.
    schedule.apply({ type: 'VmAdmitted', data: { migrationId, vm: number } });
    hasPlace(vm);
  }
  if (delayMs > 0) agenda.add(now + delayMs, { kind: 'begin' });
  else happen({ kind: 'begin' });
  for (;;) {
    admit();
    // A window may open before anything ends.
    const opens = schedule.waitingCount === 0 ? undefined : schedule.nextWakeAt(new Date(now))?.getTime();
    const next = Math.min(agenda.nextAt ?? Number.POSITIVE_INFINITY, opens ?? Number.POSITIVE_INFINITY);
    if (!Number.isFinite(next)) return results;
    now = next;
    while (agenda.nextAt !== undefined && agenda.nextAt <= now) {
      const happening = agenda.take();
      if (happening !== undefined) happen(happening);
    }
  }
}

/** Releases the waves one after another, each when enough VMs of the previous one have ended. */
function waveQueue(jobs: readonly Job[], percent: number) {
  const waiting = [...Map.groupBy(jobs, ({ wave }) => wave)].sort(([one], [other]) => one - other);
  let last: { readonly wave: number; readonly size: number } | undefined;
  const ended = new Map<number, number>();
  const next = (): readonly (readonly Job[])[] => {
    const [wave, jobsOfIt] = waiting.shift() ?? [];
    if (wave === undefined || jobsOfIt === undefined) return [];
    last = { wave, size: jobsOfIt.length };
    return [jobsOfIt];
  };
  return {
    first: next,
    /** @returns the waves that begin because a VM ended */
    ended(wave: number): readonly (readonly Job[])[] {
      const count = (ended.get(wave) ?? 0) + 1;
      ended.set(wave, count);
      return last?.wave === wave && count * 100 >= percent * last.size ? next() : [];
    },
  };
}

/** Future events, earliest first; at the same time, in order of insertion. A binary heap. */
export class Agenda<T> {
  readonly #heap: { readonly at: number; readonly number: number; readonly what: T }[] = [];
  #last = 0;

  get nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(at: number, what: T): void {
    this.#last += 1;
    const entry = { at, number: this.#last, what };
    let place = this.#heap.length;
    this.#heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      this.#heap[place] = above;
      place = parent;
    }
    this.#heap[place] = entry;
  }

  /** Removes and returns the next event. */
  take(): T | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first?.what;
    let place = 0;
    for (;;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const child = this.#isBefore(right, left) ? right : left;
      const below = this.#heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      this.#heap[place] = below;
      place = child;
    }
    this.#heap[place] = last;
    return first.what;
  }

  #isBefore(one: number, other: number): boolean {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    return first !== undefined && second !== undefined && isBefore(first, second);
  }
}

interface Entry {
  readonly at: number;
  readonly number: number;
}
const isBefore = (one: Entry, other: Entry): boolean =>
  one.at < other.at || (one.at === other.at && one.number < other.number);

/** When a warm VM is cut over by its policy, assuming that no person causes a delay. */
export function cutoverOf(record: Pick<VmRecord, 'settings'>, forecast: VmForecast): Job['cutover'] {
  const { cutoverMs } = forecast;
  if (cutoverMs === undefined) return undefined;
  const { cutover, precopyIntervalMs } = record.settings.warm;
  return {
    ms: cutoverMs,
    notBefore(ready) {
      switch (cutover.by) {
        case 'command':
          return ready;
        case 'time':
          return new Date(Math.max(ready.getTime(), Date.parse(cutover.at)));
        case 'window':
          return nextOpening(cutover.windows, ready);
        case 'downtime': {
          // The initial copy took longest; the round after it reduces the downtime.
          const isShort = forecast.downtimeMs <= cutover.maxDowntimeMs;
          return nextOpening(
            cutover.windows,
            isShort ? ready : new Date(ready.getTime() + precopyIntervalMs),
          );
        }
      }
    },
  };
}

/** Adds the plan's hooks at the cutover: they begin when the first cutover is due, and all cutovers wait for them. */
export function afterPlanHooks(ms: number): (cutover: Job['cutover']) => Job['cutover'] {
  let doneAt = Number.POSITIVE_INFINITY;
  return (cutover) =>
    cutover && {
      ms: cutover.ms,
      notBefore(ready) {
        const due = cutover.notBefore(ready).getTime();
        doneAt = Math.min(doneAt, due + ms);
        return new Date(Math.max(due, doneAt));
      },
    };
}

/** What a VM waits for, in words, in the order in which the waits occur. */
export function waitsOf(
  { settings }: Pick<VmRecord, 'settings'>,
  { waitedFor }: Simulated,
  before: string | undefined,
): readonly string[] {
  const { approve, hooks, type, warm } = settings;
  const answers = hooks
    .filter(({ run, at }) => run.kind === 'event' && at !== 'failure')
    .map(({ name, at }) => `the answer of another system to the hook ${name} (${at})`);
  return [
    ...(approve.start ? ["a second person's approval of the start"] : []),
    ...(before === undefined ? [] : [before]),
    ...(waitedFor === undefined ? [] : [waitedFor]),
    ...answers,
    ...(type === 'warm' ? [cutoverWait(warm.cutover)] : []),
    ...(type === 'warm' && approve.cutover ? ["a second person's approval of the cutover"] : []),
  ];
}

function cutoverWait(cutover: VmRecord['settings']['warm']['cutover']): string {
  switch (cutover.by) {
    case 'command':
      return "an operator's cutover";
    case 'time':
      return `the time of its cutover, ${cutover.at}`;
    case 'window':
      return 'the window of its cutover';
    case 'downtime':
      return `an expected downtime of at most ${cutover.maxDowntimeMs} ms`;
  }
}
