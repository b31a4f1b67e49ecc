import type { DomainEvent, EventOf, StepError } from '@ledgerlift/contracts';
import { isOpen, nextOpening } from '../schedule/windows.js';
import { deferral, refusedAt } from './cutover-windows.js';
import { foldLive } from './evolve.js';
import { forecastOf, passForecasts } from './forecast.js';
import { requestCurrentStep } from './requests.js';
import {
  awaitedRemovalOf,
  indexIn,
  isTerminal,
  isWarm,
  lastResult,
  openAttempt,
  partOf,
  precopyOf,
  type VmLive,
} from './state.js';

/** Between the rounds of a warm VM: when the next round and the cutover are due. */

/** Whether the step just completed ended a pass: the initial copy, or a round of the pre-copy. */
export function isPassOver(state: VmLive): boolean {
  const before = state.itinerary[state.at - 1]?.part;
  const here = state.itinerary[state.at]?.part;
  return isWarm(state) && before !== here && (here === 'precopy' || before === 'precopy');
}

/** Whether the step just completed was the last one of a test boot. */
export const isTestOver = (state: VmLive): boolean =>
  state.testBoot !== undefined &&
  state.itinerary[state.at - 1]?.part === 'test' &&
  state.itinerary[state.at]?.part !== 'test';

/** After a round is complete and flushed: begins the cutover if it is due, else schedules the next round. */
export function afterPass(state: VmLive, at: Date): readonly DomainEvent[] {
  const scheduled = byPolicy(state, at);
  const after = foldLive(state, scheduled);
  const begun = cutoverIsDue(after, at) ? beginCutover(after, at, 'complete') : [];
  const next = foldLive(after, begun);
  return [...scheduled, ...begun, ...(isBeforeCutover(next) ? nextPass(next, at) : [])];
}

function nextPass(state: VmLive, at: Date): readonly DomainEvent[] {
  const { precopyIntervalMs, maxPrecopies } = state.record.settings.warm;
  const round = state.round + 1;
  const isLast = maxPrecopies !== undefined && round > maxPrecopies;
  const dueAt = new Date(at.getTime() + precopyIntervalMs).toISOString();
  return [
    {
      type: 'PrecopyScheduled',
      data: { round, forecast: forecastOf(state, at), ...(isLast ? {} : { dueAt }) },
    },
  ];
}

/** Schedules the cutover by the plan's policy, once that can be decided. An earlier schedule stays. */
function byPolicy(state: VmLive, at: Date): readonly DomainEvent[] {
  const policy = state.record.settings.warm.cutover;
  const { scheduled, isWithdrawn } = state.cutover;
  if (scheduled !== undefined || isWithdrawn || policy.by === 'command') return [];
  const forecast = forecastOf(state, at);
  const schedule = (dueAt: string, reason: string): readonly DomainEvent[] => [
    { type: 'CutoverScheduled', data: { by: policy.by, dueAt, reason, forecast, windows: 'kept' } },
  ];
  if (policy.by === 'time') return schedule(policy.at, 'the plan names the time');
  const dueAt =
    policy.windows.length === 0 || isOpen(policy.windows, at) ? at : nextOpening(policy.windows, at);
  if (dueAt === undefined) return [];
  if (policy.by === 'window') return schedule(dueAt.toISOString(), 'the maintenance window opens');
  if (forecast.downtimeMs > policy.maxDowntimeMs) return [];
  return schedule(
    dueAt.toISOString(),
    `the expected downtime of ${forecast.downtimeMs} ms is within the limit of ${policy.maxDowntimeMs} ms`,
  );
}

export const cutoverIsDue = (state: VmLive, at: Date): boolean => {
  const dueAt = cutoverDueAt(state);
  return dueAt !== undefined && dueAt <= at.getTime() && !awaitsPlanHooks(state);
};

/** When the cutover is due, in milliseconds since 1970; undefined while it lacks an approval. */
export const cutoverDueAt = ({ cutover, record }: VmLive): number | undefined =>
  cutover.scheduled === undefined || (record.settings.approve.cutover && !cutover.isApproved)
    ? undefined
    : Date.parse(cutover.scheduled.dueAt);

/** Whether the cutover waits for the plan's hooks, which run before the first cutover of any VM. */
export const awaitsPlanHooks = ({ record, cutover }: VmLive): boolean =>
  record.cutoverAwaits !== undefined && !cutover.isReleased;

export const releaseCutover = (state: VmLive, hooks: readonly string[]): readonly DomainEvent[] =>
  awaitsPlanHooks(state) && !isTerminal(state)
    ? [{ type: 'CutoverReleased', data: { hooks: [...hooks] } }]
    : [];

/** Begins the due cutover if its windows and its downtime limit allow that now; else defers it. */
export function beginCutover(
  state: VmLive,
  at: Date,
  pass: EventOf<'CutoverStarted'>['data']['pass'],
): readonly DomainEvent[] {
  const refused = refusedAt(state, at);
  return refused === undefined ? startCutover(state, at, pass) : [deferral(state, at, refused)];
}

/** Returns from a cutover before its power-off to another round, whose number is still unused. */
export const passAgain = (state: VmLive, at: Date): readonly DomainEvent[] =>
  nextPass({ ...state, round: state.round - 1 }, at);

const startCutover = (
  state: VmLive,
  at: Date,
  pass: EventOf<'CutoverStarted'>['data']['pass'],
): readonly DomainEvent[] => {
  const event: DomainEvent = {
    type: 'CutoverStarted',
    data: { round: state.round + 1, forecast: forecastOf(state, at), pass },
  };
  const after = foldLive(state, [event]);
  return after.phase === 'running' ? [event, ...requestCurrentStep(after)] : [event];
};

/** Events due by the clock: for a VM that waits for its window, and for a warm VM in a round or between two. */
export function passDue(state: VmLive, at: Date): readonly DomainEvent[] {
  if (state.phase === 'waiting' && state.powerOff !== undefined)
    return Date.parse(state.powerOff.dueAt) <= at.getTime() ? [{ type: 'PowerOffDue', data: {} }] : [];
  if (state.phase === 'waiting') {
    if (cutoverIsDue(state, at)) return beginCutover(state, at, 'complete');
    const { precopy } = state;
    return precopy?.dueAt !== undefined && Date.parse(precopy.dueAt) <= at.getTime()
      ? [{ type: 'PrecopyStarted', data: { round: precopy.round } }]
      : [];
  }
  if (!cutoverIsDue(state, at) || !isBeforeCutover(state)) return [];
  // The next round has not begun, so the VM may as well begin its cutover.
  if (isAboutToPass(state)) return beginCutover(state, at, 'complete');
  if (!isPassUnderWay(state) || state.cutover.pass !== undefined) return [];
  const refused = refusedAt(state, at);
  if (refused !== undefined) return [deferral(state, at, refused)];
  const downtimeMs = passForecasts(state, at);
  const pass = downtimeMs.breakOff < downtimeMs.finish ? 'break-off' : 'finish';
  return [{ type: 'CutoverPassDecided', data: { pass, downtimeMs } }];
}

/** When the next event of a waiting VM, or of one that makes rounds, is due by the clock; undefined: never. */
export function passWakeAt(state: VmLive): number | undefined {
  if (state.phase === 'waiting' && state.powerOff !== undefined) return Date.parse(state.powerOff.dueAt);
  const cutover = awaitsPlanHooks(state) ? undefined : cutoverDueAt(state);
  if (state.phase === 'waiting') {
    const precopy = state.precopy?.dueAt === undefined ? undefined : Date.parse(state.precopy.dueAt);
    const times = [precopy, cutover].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }
  if (!isBeforeCutover(state)) return undefined;
  const isDecidable = isAboutToPass(state) || (isPassUnderWay(state) && state.cutover.pass === undefined);
  return isDecidable ? cutover : undefined;
}

export const isBeforeCutover = (state: VmLive): boolean =>
  isWarm(state) && state.at < indexIn(state, 'cutover');

/** Waits for a slot, or for a removal slot to remove the last round's snapshot. */
const isAboutToPass = (state: VmLive): boolean =>
  partOf(state) === 'precopy' &&
  (state.phase === 'planned' ||
    (state.phase === 'running' && awaitedRemovalOf(state)?.step === 'SnapshotRemoval'));

/** Only a copy is worth breaking off: every other step of a round is short. */
const isPassUnderWay = (state: VmLive): boolean =>
  state.phase === 'running' &&
  state.itinerary[state.at]?.step === 'DiskTransfer' &&
  openAttempt(state)?.step === 'DiskTransfer' &&
  isBeforeCutover(state);

/** Ends a test boot, whether it succeeded or failed: removes its overlays, then the VM waits as before. */
export function endTestBoot(state: VmLive, error?: StepError): readonly DomainEvent[] {
  const result = lastResult(state, 'TestBoot');
  const isNew = error === undefined && result !== undefined;
  const event: DomainEvent = {
    type: 'TestBootEnded',
    data: {
      booted: isNew && result.booted,
      evidence: isNew ? result.evidence : (error?.message ?? ''),
      ...(error === undefined ? {} : { error }),
    },
  };
  return [event, ...backToWaiting(foldLive(state, [event]))];
}

/** After the clean-up, the VM waits again for the scheduled round. */
export function backToWaiting(state: VmLive): readonly DomainEvent[] {
  const [request] = requestCurrentStep(state);
  const isRequest = request?.type === 'StepRequested' || request?.type === 'RemovalSlotAwaited';
  if (isRequest && request.data.step === 'Cleanup') return [request];
  const precopy = precopyOf(state);
  return precopy === undefined ? [] : [{ type: 'PrecopyScheduled', data: precopy }];
}
