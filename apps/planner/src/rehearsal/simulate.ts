import type { ScheduleLimits, WaveSettings } from '@ledgerlift/contracts';
import { Schedule, type ScheduleEntry, scheduleKey } from '@ledgerlift/migration';
import { Agenda } from './agenda.js';

/** A VM as the simulation knows it. */
export interface Job {
  /** As it waits for a place at its begin; `vm` is its number. */
  readonly entry: ScheduleEntry;
  readonly wave: number;
  readonly firstMs: number;
  /** A warm VM gives its place back after the first copy, and wants one again for its cutover. */
  readonly cutover: { readonly ms: number; notBefore(ready: Date): Date } | undefined;
}

/** A VM of another migration. */
export interface Other extends Omit<Job, 'wave'> {
  /** A time: until then it wants none. `firstMs` is what it still has to do. */
  readonly place: 'has' | 'wants' | Date;
}

export interface SimulatedBeside {
  readonly others?: readonly Other[];
  /** What is done once for the plan before its first VM begins. */
  readonly delayMs?: number;
}

/** Times are those of the virtual clock; undefined where it never comes to that. */
export interface Simulated {
  /** Which it was to get a place, from 1 on. */
  readonly order: number | undefined;
  readonly beginsAt: Date | undefined;
  readonly endsAt: Date | undefined;
  /** Why it did not begin with its wave. */
  readonly waitedFor: string | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** A VM on its way. */
interface Vm extends Omit<Job, 'wave'> {
  hasBegun: boolean;
  /** None: it is of another migration. */
  readonly own: { readonly wave: number; readonly result: Mutable<Simulated> } | undefined;
}
type Happening =
  { readonly kind: 'begin' } | { readonly kind: 'first-over' | 'cutover-due' | 'end'; readonly vm: Vm };

/**
 * Who gets a place when, by the planner's own schedule on a virtual clock: each VM holds its place for as long as is
 * forecast, and each succeeds.
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

  for (const { place, ...job } of others) {
    const vm = add(job, undefined);
    const { migrationId, vm: number } = job.entry;
    if (place instanceof Date) {
      vm.hasBegun = true;
      agenda.add(Math.max(now, place.getTime()), { kind: 'cutover-due', vm });
      continue;
    }
    wait(job.entry);
    if (place === 'wants') continue;
    // It got its place under whatever limits there were then.
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

/** Waves one after another, each when enough of the one before have ended. */
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
    /** @returns the wave that begins for it */
    ended(wave: number): readonly (readonly Job[])[] {
      const count = (ended.get(wave) ?? 0) + 1;
      ended.set(wave, count);
      return last?.wave === wave && count * 100 >= percent * last.size ? next() : [];
    },
  };
}
