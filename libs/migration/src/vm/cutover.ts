import type { DomainEvent } from '@ledgerlift/contracts';
import { isOpen } from '../schedule/windows.js';
import type { CommandOf } from './commands.js';
import { foldLive } from './evolve.js';
import { forecastOf } from './forecast.js';
import { refuseAtEnd } from './operator.js';
import { deferredOutsideWindow, windowsOf } from './cutover-windows.js';
import { isBeforeCutover, passAgain } from './passes.js';
import { powerOffBegan } from './power-off.js';
import { CommandRefused } from './refusals.js';
import { isWarm, partOf, type VmLive } from './state.js';

/** What operators say about the cutover of a warm VM: when it is, that it is not, and the second person's word. */

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
  const known = state.cutover?.by === 'command' ? state.cutover : undefined;
  // Asked again while it is due already, or for the same time by the same person: nothing is new.
  if (known !== undefined && isNow && Date.parse(known.dueAt) <= at.getTime()) return [];
  if (known?.askedBy === by && known.dueAt === due) return [];
  // `now` overrides the windows, and so does a time outside all of them. A time inside one is kept to it.
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

/** An approval belongs to one request. Whoever asked for it, or started a plan whose policy did, cannot give it. */
export function approveCutover(
  state: VmLive,
  { reason, by, dueAt, at }: CommandOf<'approve-cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'approve');
  if (!isWarm(state) || !state.record.settings.approve.cutover)
    throw new CommandRefused('approve', 'the plan asks for no approval of the cutover');
  if (state.cutover === undefined)
    throw new CommandRefused('approve', 'no cutover is scheduled; an approval belongs to a request');
  if (dueAt !== undefined && Date.parse(state.cutover.dueAt) !== dueAt.getTime())
    throw new CommandRefused(
      'approve',
      `the cutover is scheduled for ${state.cutover.dueAt}, not for ${dueAt.toISOString()}`,
    );
  if (state.cutoverApproved) return [];
  const asker = state.cutover.askedBy ?? state.record.startedBy;
  if (asker === by)
    throw new CommandRefused('approve', `${by} asked for the cutover, and somebody else must approve it`);
  // What is approved after its window has closed is approved for the next one.
  const deferred = deferredOutsideWindow(state, at);
  const { cutover: request = state.cutover } = foldLive(state, deferred);
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

/** Until the power-off is begun; passes go on, and only an operator schedules another cutover. */
export function withdrawCutover(
  state: VmLive,
  { reason, at }: CommandOf<'withdraw-cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'withdraw the cutover');
  if (state.cutover === undefined)
    throw new CommandRefused('withdraw the cutover', 'the VM has no cutover that is scheduled');
  const waitsInCutover = state.phase === 'planned' && partOf(state) === 'cutover' && !powerOffBegan(state);
  if (!isBeforeCutover(state) && !waitsInCutover)
    throw new CommandRefused('withdraw the cutover', 'the cutover has begun');
  const event: DomainEvent = { type: 'CutoverWithdrawn', data: { reason, next: 'command' } };
  return waitsInCutover ? [event, ...passAgain(foldLive(state, [event]), at)] : [event];
}
