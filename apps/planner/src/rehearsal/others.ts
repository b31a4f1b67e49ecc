import type { Figures } from '@ledgerlift/contracts';
import type { VmLive } from '@ledgerlift/migration';
import type { ScheduledVm } from '../runs/places.js';
import { capacityOf } from '../selection/index.js';
import { type VmForecast, forecastVm } from './forecast.js';
import type { Other } from './simulate.js';
import { cutoverOf } from './waits.js';

/** What is behind its forecast has this share of it still to come. */
const LEFT_AT_LEAST = 0.1;

/** The VMs of other migrations that hold places, or want some before the VMs of a plan do. */
export function othersOf(
  scheduled: readonly ScheduledVm[],
  figuresOf: (provider: string) => Figures,
  now: Date,
): readonly Other[] {
  return scheduled.flatMap(({ entry, state, place }): Other[] => {
    if (state === undefined) return [];
    const { record } = state;
    // How much its disks hold is not looked at: that takes time, and it may be copied already.
    const bytes = record.settings.type === 'conversion' ? 0 : capacityOf(record.source.vm);
    const forecast = forecastVm(record, bytes, figuresOf(entry.provider));
    const workMs = workFor(entry.purpose, forecast);
    if (place instanceof Date)
      return [{ entry, place, firstMs: 0, cutover: { ms: workMs, notBefore: () => place } }];
    const since = place === 'has' ? sinceOf(state, entry.purpose) : undefined;
    const doneMs = since === undefined ? 0 : now.getTime() - since;
    const isItsLast = entry.purpose === 'cutover' || record.settings.warm.cutover.by === 'command';
    return [
      {
        entry,
        place,
        firstMs: Math.max(workMs * LEFT_AT_LEAST, workMs - doneMs),
        // Nobody knows when an operator will ask for it.
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

/** Since when it is at what it has its place for; undefined: since now. */
function sinceOf(
  { admittedAt, attempts }: VmLive,
  purpose: ScheduledVm['entry']['purpose'],
): number | undefined {
  const since = Date.parse((purpose === 'begin' ? admittedAt : attempts.at(-1)?.requestedAt) ?? '');
  return Number.isNaN(since) ? undefined : since;
}
