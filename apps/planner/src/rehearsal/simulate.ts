import type { ScheduleLimits, WaveSettings } from '@ledgerlift/contracts';
import { Schedule, type ScheduleEntry } from '@ledgerlift/migration';
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
interface Happening {
  readonly kind: 'first-over' | 'cutover-due' | 'end';
  readonly vm: number;
}

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
): readonly Simulated[] {
  const schedule = new Schedule(limits);
  const agenda = new Agenda<Happening>();
  const results = jobs.map((): Mutable<Simulated> => ({
    order: undefined,
    beginsAt: undefined,
    endsAt: undefined,
    waitedFor: undefined,
  }));
  const open = waveQueue(jobs, waves.minSucceededPercent);
  let admitted = 0;
  let now = start.getTime();

  const wait = (entry: ScheduleEntry): void =>
    schedule.enqueue(entry).forEach((event) => schedule.apply(event));
  const admit = (): void => {
    for (const event of schedule.admit(new Date(now))) {
      schedule.apply(event);
      if (event.type !== 'VmAdmitted') continue;
      const { vm } = event.data;
      const [job, result] = [jobs[vm], results[vm]];
      if (job === undefined || result === undefined) continue;
      if (result.beginsAt === undefined) {
        admitted += 1;
        Object.assign(result, { order: admitted, beginsAt: new Date(now) });
        agenda.add(now + job.firstMs, { kind: job.cutover === undefined ? 'end' : 'first-over', vm });
      } else {
        agenda.add(now + (job.cutover?.ms ?? 0), { kind: 'end', vm });
      }
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
  const happen = ({ kind, vm }: Happening): void => {
    const [job, result] = [jobs[vm], results[vm]];
    if (job === undefined || result === undefined) return;
    if (kind === 'cutover-due') {
      wait({ ...job.entry, purpose: 'cutover' });
      return;
    }
    for (const event of schedule.release(job.entry.migrationId, vm)) schedule.apply(event);
    if (kind === 'first-over') {
      const due = job.cutover?.notBefore(new Date(now)).getTime() ?? now;
      agenda.add(Math.max(now, due), { kind: 'cutover-due', vm });
      return;
    }
    result.endsAt = new Date(now);
    for (const wave of open.ended(job.wave)) beginWave(wave);
  };

  for (const wave of open.first()) beginWave(wave);
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
