import type { DomainEvent, EventOf, MaintenanceWindow } from '@ledgerlift/contracts';
import { isOpen, nextOpening } from '../schedule/windows.js';
import { forecastOf } from './forecast.js';
import type { VmLive } from './state.js';

/** When a warm VM may be cut over: the windows and the downtime limit of its policy, and what overrides them. */

export type Deferral = Omit<EventOf<'CutoverDeferred'>['data'], 'forecast'>;

/** The windows of the plan's cutover policy; none means any time. */
export function windowsOf({ record }: VmLive): readonly MaintenanceWindow[] {
  const policy = record.settings.warm.cutover;
  return policy.by === 'window' || policy.by === 'downtime' ? policy.windows : [];
}

/** Whether windows bind the cutover: neither an operator's `now` nor a time of the plan is bound. */
const isBound = ({ cutover: { scheduled } }: VmLive): boolean =>
  scheduled?.by === 'window' ||
  scheduled?.by === 'downtime' ||
  (scheduled?.by === 'command' && scheduled.windows === 'kept');

/** Why the source may not be powered off now; undefined if it may. */
export function refusedAt(state: VmLive, at: Date): Deferral | undefined {
  const closed = closedAt(state, at);
  if (closed !== undefined) return closed;
  const policy = state.record.settings.warm.cutover;
  if (state.cutover.scheduled?.by !== 'downtime' || policy.by !== 'downtime') return undefined;
  const { downtimeMs } = forecastOf(state, at);
  return downtimeMs <= policy.maxDowntimeMs
    ? undefined
    : {
        reason: `the expected downtime of ${downtimeMs} ms is over the limit of ${policy.maxDowntimeMs} ms`,
      };
}

function closedAt(state: VmLive, at: Date): Deferral | undefined {
  const windows = windowsOf(state);
  if (!isBound(state) || isOpen(windows, at)) return undefined;
  return { reason: 'the maintenance window is closed', dueAt: nextOpening(windows, at).toISOString() };
}

export const deferral = (state: VmLive, at: Date, data: Deferral): DomainEvent => ({
  type: 'CutoverDeferred',
  data: { ...data, forecast: forecastOf(state, at) },
});

/** Defers a due cutover to the next window if its own has closed. */
export function deferredOutsideWindow(state: VmLive, at: Date): readonly DomainEvent[] {
  const { scheduled } = state.cutover;
  const isPast = scheduled !== undefined && Date.parse(scheduled.dueAt) <= at.getTime();
  const closed = isPast ? closedAt(state, at) : undefined;
  return closed === undefined ? [] : [deferral(state, at, closed)];
}
