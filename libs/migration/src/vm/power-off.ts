import type { DomainEvent, Job, MaintenanceWindow } from '@ledgerlift/contracts';
import { isOpen, nextOpening } from '../schedule/windows.js';
import { deferral, refusedAt } from './cutover-windows.js';
import { foldLive } from './evolve.js';
import { passAgain } from './passes.js';
import { type AttemptState, isWarm, openAttempt, partOf, type VmLive } from './state.js';

/**
 * Checks before the source's power-off, whichever step, retry or wait leads there. A warm VM is bound by the windows and the
 * downtime limit of its cutover, any other VM by the windows of its plan and of the installation.
 */

/** Lists of windows, one for each level. One window of each list must be open; an empty list is always open. */
export type Windows = readonly (readonly MaintenanceWindow[])[];

/** `unknown`: we began to change it, and the result was not seen. `on`: as others left it. */
type SourcePower = 'on' | 'off' | 'unknown';

/** The source's power as it follows from our own steps, not from an observation. */
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

/** Whether we told the source to power off and did not power it on since. */
export const powerOffBegan = (state: VmLive): boolean => sourcePower(state) !== 'on';

/**
 * Defers a power-off that has not begun and is not allowed now, and withdraws its request. A warm VM continues with rounds;
 * any other VM gives up its slot and waits for its window.
 *
 * @returns no events if the source may be powered off, or if a worker must look at it first
 */
export const deferredAtPowerOff = (state: VmLive, at: Date, windows: Windows): readonly DomainEvent[] =>
  isBeforePowerOff(state) && !powerOffBegan(state) ? putOff(state, at, windows) : [];

/** The same after a worker saw that the source is on, even if an earlier attempt began to power it off. */
export const deferredSeenOn = (state: VmLive, at: Date, windows: Windows): readonly DomainEvent[] =>
  isBeforePowerOff(state) ? putOff(state, at, windows) : [];

/**
 * What the worker of the attempt may do. If an earlier attempt may have powered the source off, the migration continues at
 * once, so that the source is not off until the next window; a source that is still on is left on.
 */
export function powerOffFor(state: VmLive, at: Date, windows: Windows): Job['powerOff'] {
  if (openAttempt(state)?.step !== 'SourcePowerOff') return undefined;
  const earlier = { attempts: state.attempts.slice(0, -1) };
  const mayBeOff = sourcePower(earlier) !== 'on';
  const refused = isWarm(state) ? refusedAt(state, at) : closedUntil(at, windows);
  return mayBeOff && refused !== undefined ? 'only-if-off' : undefined;
}

/** Why the VM's power-off was last deferred; undefined if it was not. */
export const deferralOf = (state: VmLive): string | undefined =>
  state.phase === 'waiting' && state.powerOff !== undefined ? state.powerOff.reason : state.cutover.deferred;

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

/** When the windows open; undefined if they are open. */
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

/** Whether the power-off is still ahead. The plan's hooks at the cutover count as part of it. */
function isBeforePowerOff(state: VmLive): boolean {
  if (isWarm(state)) return partOf(state) === 'cutover';
  const step = state.itinerary[state.at]?.step;
  return step === 'CutoverHook' || step === 'SourcePowerOff';
}
