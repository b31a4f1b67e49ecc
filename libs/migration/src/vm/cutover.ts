import type { DomainEvent } from '@ledgerlift/contracts';
import { isOpen } from '../schedule/windows.js';
import { type CommandOf, CommandRefused } from './commands.js';
import { deferredOutsideWindow, windowsOf } from './cutover-windows.js';
import { foldLive } from './evolve.js';
import { forecastOf } from './forecast.js';
import { refuseAtEnd } from './operator.js';
import { isBeforeCutover, passAgain } from './passes.js';
import { powerOffBegan } from './power-off.js';
import { isWarm, partOf, type VmLive } from './state.js';

/** Operators' commands about the cutover of a warm VM: schedule, withdraw and approve it. */

export function cutover(
  state: VmLive,
  { reason, by, dueAt, at }: CommandOf<'cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'cutover');
  if (!isWarm(state)) throw new CommandRefused('cutover', 'only a warm migration has a cutover');
  if (!isBeforeCutover(state)) throw new CommandRefused('cutover', 'the cutover has begun');
  if (state.cancel !== undefined) throw new CommandRefused('cutover', 'the VM is being canceled');
  const isNow = dueAt.getTime() <= at.getTime();
  const due = (isNow ? at : dueAt).toISOString();
  const { scheduled } = state.cutover;
  const known = scheduled?.by === 'command' ? scheduled : undefined;
  // A repeated request: the cutover is due already, or the same person asks for the same time.
  if (known !== undefined && isNow && Date.parse(known.dueAt) <= at.getTime()) return [];
  if (known?.askedBy === by && known.dueAt === due) return [];
  // `now` overrides the windows, and so does a time outside all of them. A time inside a window is bound to it.
  const windows = windowsOf(state);
  const isKept = !isNow && windows.length > 0 && isOpen(windows, dueAt);
  return [
    {
      type: 'CutoverScheduled',
      data: {
        by: 'command',
        dueAt: due,
        reason,
        forecast: forecastOf(state, new Date(due)),
        askedBy: by,
        windows: isKept ? 'kept' : 'overridden',
      },
    },
  ];
}

/** An approval covers one request. Nobody can approve their own request, or that of a plan that they started. */
export function approveCutover(
  state: VmLive,
  { reason, by, dueAt, at }: CommandOf<'approve-cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'approve');
  if (!isWarm(state) || !state.record.settings.approve.cutover)
    throw new CommandRefused('approve', 'the plan requires no approval of the cutover');
  const { scheduled, isApproved } = state.cutover;
  if (scheduled === undefined)
    throw new CommandRefused('approve', 'no cutover is scheduled that could be approved');
  if (dueAt !== undefined && Date.parse(scheduled.dueAt) !== dueAt.getTime())
    throw new CommandRefused(
      'approve',
      `the cutover is scheduled for ${scheduled.dueAt}, not for ${dueAt.toISOString()}`,
    );
  if (isApproved) return [];
  const asker = scheduled.askedBy ?? state.record.startedBy;
  if (asker === by)
    throw new CommandRefused('approve', `${by} requested the cutover, so somebody else must approve it`);
  // An approval that comes after the window closed counts for the next window.
  const deferred = deferredOutsideWindow(state, at);
  const { scheduled: request = scheduled } = foldLive(state, deferred).cutover;
  return [
    ...deferred,
    {
      type: 'CutoverApproved',
      data: {
        reason,
        request: {
          dueAt: request.dueAt,
          ...(request.askedBy === undefined ? {} : { askedBy: request.askedBy }),
        },
      },
    },
  ];
}

/** Possible until the power-off begins. Rounds continue, and only an operator schedules another cutover. */
export function withdrawCutover(
  state: VmLive,
  { reason, at }: CommandOf<'withdraw-cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'withdraw the cutover');
  if (state.cutover.scheduled === undefined)
    throw new CommandRefused('withdraw the cutover', 'no cutover of the VM is scheduled');
  const waitsInCutover = state.phase === 'planned' && partOf(state) === 'cutover' && !powerOffBegan(state);
  if (!isBeforeCutover(state) && !waitsInCutover)
    throw new CommandRefused('withdraw the cutover', 'the cutover has begun');
  const event: DomainEvent = { type: 'CutoverWithdrawn', data: { reason, next: 'command' } };
  return waitsInCutover ? [event, ...passAgain(foldLive(state, [event]), at)] : [event];
}
