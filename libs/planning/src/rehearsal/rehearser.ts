import type {
  Figures,
  HookMoment,
  PlanSpec,
  Rehearsal,
  ScheduleLimits,
  VmRecord,
} from '@ledgerlift/contracts';
import { scheduleEntry, type ScheduleEntry, type VmLive, type VmState } from '@ledgerlift/migration';
import type { Entry } from '../catalog/index.js';
import { capacityOf } from '../selection/index.js';
import type { PlanExaminer, ResolvedPlan } from '../validation/index.js';
import { type BytesToRead, forecastVm, hooksTake, type VmForecast } from './forecast.js';
import type { Measurements } from './measurements.js';
import { rehearsalView, type RehearsedPart } from './rehearsal-view.js';
import { afterPlanHooks, cutoverOf, type Other, simulate } from './simulate.js';

export interface RehearserSurroundings {
  readonly examiner: Pick<PlanExaminer, 'examine'>;
  readonly measurements: Measurements;
  readonly bytes: BytesToRead;
  readonly limits: () => ScheduleLimits;
  /** The VMs of all migrations that hold or want a slot. */
  readonly scheduled: () => readonly ScheduledVm[];
  readonly now: () => Date;
}

/** Stands in for the id of a migration. */
const REHEARSAL = 'rehearsal';

/** Predicts a migration before it starts. Changes nothing. */
export class Rehearser {
  constructor(private readonly around: RehearserSurroundings) {}

  async rehearse(plan: Entry<PlanSpec>): Promise<Rehearsal> {
    const { examiner, measurements, bytes, now } = this.around;
    const { at, conditions, resolved } = await examiner.examine(plan);
    const told = { planId: plan.id, at, conditions: [...conditions] };
    if (resolved === undefined) return { ...told, ready: false, assumptions: [], waves: [], vms: [] };
    const records = resolved.vms.map((vm, index): VmRecord => ({ ...vm, migrationId: REHEARSAL, index }));
    const read = await bytes.of(records);
    const figures = measurements.figures(records[0]?.source.provider.id ?? '');
    const limits = this.around.limits();
    const start = now();
    const figuresOf = (provider: string): Figures => measurements.figures(provider);
    const others = othersOf(this.around.scheduled(), figuresOf, start);
    const share = shareOf(limits, resolved, others);
    const vms = records.map((record, index): RehearsedPart => {
      const seen = read[index] ?? { capacity: 0, read: 0, from: 'capacity' };
      return { record, bytes: seen, forecast: forecastVm(record, seen.read, figures, share) };
    });
    const { hooks, type } = resolved.spec;
    const once = (moment: HookMoment): number => hooksTake(hooks, 'plan', moment, figures);
    const cutover = afterPlanHooks(once('cutover'));
    const jobs = vms.map(({ record, forecast }) => ({
      entry: scheduleEntry(record, resolved.spec, 'begin'),
      wave: record.wave ?? 1,
      firstMs: forecast.firstMs,
      cutover: cutover(cutoverOf(record, forecast)),
    }));
    const delayMs = once('before') + (type === 'warm' ? 0 : once('cutover'));
    const simulated = simulate(jobs, limits, resolved.spec.waves, start, { others, delayMs });
    return {
      ...told,
      ready: true,
      ...rehearsalView(resolved.spec, vms, simulated, { figures, start, others }),
    };
  }
}

/** Each copy's share of the bandwidth budget, when as many copies run as the limits allow. */
function shareOf(
  { bytesPerSecond, vms }: ScheduleLimits,
  { spec, vms: planned }: ResolvedPlan,
  others: readonly Other[],
): number {
  const own = Math.min(spec.maxConcurrentMigrations, planned.length);
  const atOnce = Math.max(1, Math.min(vms, own + others.filter(({ slot }) => slot === 'held').length));
  return bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : bytesPerSecond / atOnce;
}

/** A VM of any migration that holds a slot, waits for one, or wants one at a known time. */
export interface ScheduledVm {
  readonly entry: ScheduleEntry;
  readonly state: VmState;
  /** A time: the VM wants a slot from then on. */
  readonly slot: 'held' | 'wanted' | Date;
}

/** A VM that is late still counts with at least this share of its forecast. */
const LEFT_AT_LEAST = 0.1;

/** VMs of other migrations that hold slots, or get some before the VMs of a plan do. */
export function othersOf(
  scheduled: readonly ScheduledVm[],
  figuresOf: (provider: string) => Figures,
  now: Date,
): readonly Other[] {
  return scheduled.flatMap(({ entry, state, slot }): Other[] => {
    if (state === undefined) return [];
    const { record } = state;
    // The allocation is not examined: that takes time, and the disks may be copied already.
    const bytes = record.settings.type === 'conversion' ? 0 : capacityOf(record.source.vm);
    const forecast = forecastVm(record, bytes, figuresOf(entry.provider));
    const workMs = workFor(entry.purpose, forecast);
    if (slot instanceof Date)
      return [{ entry, slot, firstMs: 0, cutover: { ms: workMs, notBefore: () => slot } }];
    const since = slot === 'held' ? sinceOf(state, entry.purpose) : undefined;
    const doneMs = since === undefined ? 0 : now.getTime() - since;
    const isItsLast = entry.purpose === 'cutover' || record.settings.warm.cutover.by === 'command';
    return [
      {
        entry,
        slot,
        firstMs: Math.max(workMs * LEFT_AT_LEAST, workMs - doneMs),
        // An operator's cutover cannot be predicted.
        cutover: isItsLast ? undefined : cutoverOf(record, forecast),
      },
    ];
  });
}

function workFor(
  purpose: ScheduledVm['entry']['purpose'],
  { parts, firstMs, cutoverMs }: VmForecast,
): number {
  if (purpose === 'cutover') return cutoverMs ?? firstMs;
  return purpose === 'precopy' ? parts.snapshotMs + parts.deltaMs : firstMs;
}

/** Since when the VM has been doing what it holds its slot for; undefined: since now. */
function sinceOf(
  { admittedAt, attempts }: VmLive,
  purpose: ScheduledVm['entry']['purpose'],
): number | undefined {
  const since = Date.parse((purpose === 'begin' ? admittedAt : attempts.at(-1)?.requestedAt) ?? '');
  return Number.isNaN(since) ? undefined : since;
}
