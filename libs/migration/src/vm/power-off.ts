import type { DomainEvent, Job, MaintenanceWindow } from '@ledgerlift/contracts';
import { isOpen, nextOpening } from '../schedule/windows.js';
import { deferral, refusedAt } from './cutover-windows.js';
import { foldLive } from './evolve.js';
import { passAgain } from './passes.js';
import { isWarm, openAttempt, partOf, type AttemptState, type VmLive } from './state.js';

/**
 * The gate before the source's power-off, whichever step, retry or wait leads there. A warm VM is bound by its cutover's
 * windows and limit, every other by the windows of its plan and of the whole installation.
 */

/** Windows outside the VM, of which one of each list must be open; an empty list is always open. */
export type Windows = readonly (readonly MaintenanceWindow[])[];

/** `unknown`: we began to change it, and nobody saw how that ended. `on`: it is as others left it. */
type SourcePower = 'on' | 'off' | 'unknown';

/** What is known of the source from what we did to it, not from a look at it. */
function sourcePower({ attempts }: Pick<VmLive, 'attempts'>): SourcePower {
  const wasStarted = (step: AttemptState['step']) => (each: AttemptState) =>
    each.step === step && each.startedAt !== undefined;
  const on = attempts.findLastIndex(wasStarted('SourcePowerOn'));
  const offs = attempts.slice(on + 1).filter(wasStarted('SourcePowerOff'));
  if (offs.some(({ status }) => status === 'completed')) return 'off';
  if (offs.length > 0) return 'unknown';
  const isUnseen = on >= 0 && attempts[on]?.status !== 'completed';
  return isUnseen && attempts.slice(0, on).some(wasStarted('SourcePowerOff')) ? 'unknown' : 'on';
}

/** Whether the source was told to go off, and did not get its power back from us since. */
export const powerOffBegan = (state: VmLive): boolean => sourcePower(state) !== 'on';

/**
 * Puts off a power-off that has not begun, where it may not be now. What was asked for is taken back. A warm VM goes on with
 * passes, another waits for its window without a place.
 *
 * @returns none where the source may be powered off, or where somebody must look at it first
 */
export const deferredAtPowerOff = (state: VmLive, at: Date, windows: Windows): readonly DomainEvent[] =>
  isBeforePowerOff(state) && !powerOffBegan(state) ? putOff(state, at, windows) : [];

/** A worker has looked, and the source is on: the same, whatever was begun earlier. */
export const deferredSeenOn = (state: VmLive, at: Date, windows: Windows): readonly DomainEvent[] =>
  isBeforePowerOff(state) ? putOff(state, at, windows) : [];

/**
 * What the worker that has the attempt may do. An earlier attempt may have powered the source off: then it is gone on with
 * at once, so that it is not off until the next window, and a source that is still on is left on.
 */
export function powerOffFor(state: VmLive, at: Date, windows: Windows): Job['powerOff'] {
  if (openAttempt(state)?.step !== 'SourcePowerOff') return undefined;
  const earlier = { attempts: state.attempts.slice(0, -1) };
  const mayBeOff = sourcePower(earlier) !== 'on';
  const refused = isWarm(state) ? refusedAt(state, at) : closedUntil(at, windows);
  return mayBeOff && refused !== undefined ? 'only-if-off' : undefined;
}

function putOff(state: VmLive, at: Date, windows: Windows): readonly DomainEvent[] {
  const closed = isWarm(state) ? undefined : closedUntil(at, windows);
  const refused = isWarm(state) ? refusedAt(state, at) : closed;
  if (refused === undefined) return [];
  const open = openAttempt(state);
  const taken: DomainEvent[] = [];
  if (open?.status === 'requested') {
    const { step, attempt, lastReport } = open;
    taken.push({
      type: 'StepStopped',
      data: { step, attempt, report: lastReport, reason: refused.reason },
    });
  }
  if (closed !== undefined) return [...taken, { type: 'PowerOffDeferred', data: closed }];
  const events = [...taken, deferral(state, at, refused)];
  return [...events, ...passAgain(foldLive(state, events), at)];
}

/** Undefined: all are open. */
function closedUntil(
  at: Date,
  windows: Windows,
): { readonly reason: string; readonly dueAt: string } | undefined {
  if (windows.every((each) => isOpen(each, at))) return undefined;
  const openings = windows.map((each) => nextOpening(each, at).getTime());
  return {
    reason: 'the maintenance window is closed',
    dueAt: new Date(Math.max(...openings)).toISOString(),
  };
}

/** The plan's hooks at the cutover belong to the power-off. */
function isBeforePowerOff(state: VmLive): boolean {
  if (isWarm(state)) return partOf(state) === 'cutover';
  const step = state.itinerary[state.at]?.step;
  return step === 'CutoverHook' || step === 'SourcePowerOff';
}
