import type { PlanSpec, Rehearsal, ScheduleLimits, VmRecord } from '@ledgerlift/contracts';
import type { Entry } from '../catalog/index.js';
import type { ResolvedPlan } from '../runs/run-service.js';
import { scheduleEntry } from '../runs/schedule-entry.js';
import type { PlanExaminer } from '../validation/index.js';
import type { BytesToRead } from './bytes.js';
import { forecastVm } from './forecast.js';
import type { Measurements } from './measurements.js';
import { type RehearsedPart, rehearsalView } from './rehearsal-view.js';
import { simulate } from './simulate.js';
import { cutoverOf } from './waits.js';

export interface RehearserSurroundings {
  readonly examiner: PlanExaminer;
  readonly measurements: Measurements;
  readonly bytes: BytesToRead;
  readonly limits: () => ScheduleLimits;
  /** How many VMs are under way. */
  readonly underWay: () => number;
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
    const share = shareOf(limits, resolved);
    const vms = records.map((record, index): RehearsedPart => {
      const seen = read[index] ?? { capacity: 0, read: 0, from: 'capacity' };
      return { record, bytes: seen, forecast: forecastVm(record, seen.read, figures, share) };
    });
    const jobs = vms.map(({ record, forecast }) => ({
      entry: scheduleEntry(record, resolved.spec, 'begin'),
      wave: record.wave ?? 1,
      firstMs: forecast.firstMs,
      cutover: cutoverOf(record, forecast),
    }));
    const start = now();
    const simulated = simulate(jobs, limits, resolved.spec.waves, start);
    return {
      ...told,
      ready: true,
      ...rehearsalView(resolved.spec, vms, simulated, { figures, start, others: this.around.underWay() }),
    };
  }
}

/** What of the bandwidth that all may use together each copy has, when as many run as may. */
function shareOf({ bytesPerSecond, vms }: ScheduleLimits, { spec, vms: planned }: ResolvedPlan): number {
  const atOnce = Math.max(1, Math.min(vms, spec.maxConcurrentMigrations, planned.length));
  return bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : bytesPerSecond / atOnce;
}
