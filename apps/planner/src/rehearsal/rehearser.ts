import type {
  Figures,
  HookMoment,
  PlanSpec,
  Rehearsal,
  ScheduleLimits,
  VmRecord,
} from '@ledgerlift/contracts';
import type { Entry } from '../catalog/index.js';
import type { ScheduledVm } from '../runs/places.js';
import type { ResolvedPlan } from '../runs/run-service.js';
import { scheduleEntry } from '../runs/schedule-entry.js';
import type { PlanExaminer } from '../validation/index.js';
import type { BytesToRead } from './bytes.js';
import { forecastVm, hooksTake } from './forecast.js';
import type { Measurements } from './measurements.js';
import { othersOf } from './others.js';
import { type RehearsedPart, rehearsalView } from './rehearsal-view.js';
import { type Other, simulate } from './simulate.js';
import { afterPlanHooks, cutoverOf } from './waits.js';

export interface RehearserSurroundings {
  readonly examiner: Pick<PlanExaminer, 'examine'>;
  readonly measurements: Measurements;
  readonly bytes: BytesToRead;
  readonly limits: () => ScheduleLimits;
  /** The VMs of all migrations that have a place or want one. */
  readonly scheduled: () => readonly ScheduledVm[];
  readonly now: () => Date;
}

/** Stands for the id that a migration would have. */
const REHEARSAL = 'rehearsal';

/** Tells all of a migration that can be known before it is started. Changes nothing. */
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

/** What of the bandwidth that all may use together each copy has, when as many run as may. */
function shareOf(
  { bytesPerSecond, vms }: ScheduleLimits,
  { spec, vms: planned }: ResolvedPlan,
  others: readonly Other[],
): number {
  const own = Math.min(spec.maxConcurrentMigrations, planned.length);
  const atOnce = Math.max(1, Math.min(vms, own + others.filter(({ place }) => place === 'has').length));
  return bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : bytesPerSecond / atOnce;
}
