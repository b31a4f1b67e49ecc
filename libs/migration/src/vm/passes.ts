import type { DomainEvent, EventOf, StepError } from '@ledgerlift/contracts';
import { isOpen, nextOpening } from '../schedule/windows.js';
import { deferral, refusedAt } from './cutover-windows.js';
import { foldLive } from './evolve.js';
import { forecastOf, passForecasts } from './forecast.js';
import { requestCurrentStep } from './requests.js';
import { indexIn, isTerminal, isWarm, lastResult, openAttempt, partOf, type VmLive } from './state.js';

/** Between the passes of a warm VM: what comes next, and when it is cut over. */

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

/** A pass is complete and flushed: the cutover where it is due, else a time for the next pass. */
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

/** The cutover as the policy says, once it can be said; what was scheduled already stays. */
function byPolicy(state: VmLive, at: Date): readonly DomainEvent[] {
  const policy = state.record.settings.warm.cutover;
  if (state.cutover !== undefined || state.cutoverWithdrawn || policy.by === 'command') return [];
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

/** When the cutover that nobody needs to approve any more is due, in milliseconds since 1970. */
export const cutoverDueAt = (state: VmLive): number | undefined =>
  state.cutover === undefined || (state.record.settings.approve.cutover && !state.cutoverApproved)
    ? undefined
    : Date.parse(state.cutover.dueAt);

/** Hooks of the whole plan come before the first cutover of any of its VMs. */
export const awaitsPlanHooks = ({ record, cutoverReleased }: VmLive): boolean =>
  record.cutoverAwaits !== undefined && !cutoverReleased;

export const releaseCutover = (state: VmLive, hooks: readonly string[]): readonly DomainEvent[] =>
  awaitsPlanHooks(state) && !isTerminal(state)
    ? [{ type: 'CutoverReleased', data: { hooks: [...hooks] } }]
    : [];

/** Starts the cutover that is due, where its windows and its limit hold now; else it is put off. */
export function beginCutover(
  state: VmLive,
  at: Date,
  pass: EventOf<'CutoverStarted'>['data']['pass'],
): readonly DomainEvent[] {
  const refused = refusedAt(state, at);
  return refused === undefined ? startCutover(state, at, pass) : [deferral(state, at, refused)];
}

/** From a cutover that did not come to its power-off back to passes: its number was not used. */
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

/** What is due of a VM that waits for its window, of a warm one that is between two passes, or in one. */
export function passDue(state: VmLive, at: Date): readonly DomainEvent[] {
  if (state.phase === 'waiting' && state.powerOffAt !== undefined)
    return Date.parse(state.powerOffAt) <= at.getTime() ? [{ type: 'PowerOffDue', data: {} }] : [];
  if (state.phase === 'waiting') {
    if (cutoverIsDue(state, at)) return beginCutover(state, at, 'complete');
    const { precopy } = state;
    return precopy?.dueAt !== undefined && Date.parse(precopy.dueAt) <= at.getTime()
      ? [{ type: 'PrecopyStarted', data: { round: precopy.round } }]
      : [];
  }
  if (!cutoverIsDue(state, at) || !isBeforeCutover(state)) return [];
  // It waits to begin its next pass: it may as well wait to begin its cutover.
  if (isAboutToPass(state)) return beginCutover(state, at, 'complete');
  if (!isPassUnderWay(state) || state.passAtCutover !== undefined) return [];
  const refused = refusedAt(state, at);
  if (refused !== undefined) return [deferral(state, at, refused)];
  const downtimeMs = passForecasts(state, at);
  const pass = downtimeMs.breakOff < downtimeMs.finish ? 'break-off' : 'finish';
  return [{ type: 'CutoverPassDecided', data: { pass, downtimeMs } }];
}

/** When something of a VM that waits, or makes passes, is due by the clock; undefined: nothing is. */
export function passWakeAt(state: VmLive): number | undefined {
  if (state.phase === 'waiting' && state.powerOffAt !== undefined) return Date.parse(state.powerOffAt);
  const cutover = awaitsPlanHooks(state) ? undefined : cutoverDueAt(state);
  if (state.phase === 'waiting') {
    const precopy = state.precopy?.dueAt === undefined ? undefined : Date.parse(state.precopy.dueAt);
    const times = [precopy, cutover].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }
  if (!isBeforeCutover(state)) return undefined;
  const isDecidable = isAboutToPass(state) || (isPassUnderWay(state) && state.passAtCutover === undefined);
  return isDecidable ? cutover : undefined;
}

export const isBeforeCutover = (state: VmLive): boolean =>
  isWarm(state) && state.at < indexIn(state, 'cutover');

/** For a place, or for its turn to remove the snapshot of the last pass. */
const isAboutToPass = (state: VmLive): boolean =>
  partOf(state) === 'precopy' &&
  (state.phase === 'planned' || (state.phase === 'running' && state.turn?.step === 'SnapshotRemoval'));

/** Only a copy is worth breaking off: everything else of a pass is short. */
const isPassUnderWay = (state: VmLive): boolean =>
  state.phase === 'running' &&
  state.itinerary[state.at]?.step === 'DiskTransfer' &&
  openAttempt(state)?.step === 'DiskTransfer' &&
  isBeforeCutover(state);

/** The test boot is over, one way or the other: its overlays go, then the VM waits as it did before. */
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

/** After what was in the way is cleared, a VM waits again for the pass that was scheduled. */
export function backToWaiting(state: VmLive): readonly DomainEvent[] {
  const [request] = requestCurrentStep(state);
  const isRequest = request?.type === 'StepRequested' || request?.type === 'RemovalTurnAwaited';
  if (isRequest && request.data.step === 'Cleanup') return [request];
  return state.precopy === undefined ? [] : [{ type: 'PrecopyScheduled', data: state.precopy }];
}
