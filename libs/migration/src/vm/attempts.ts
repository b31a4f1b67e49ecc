import type { Condition, DomainEvent, EventOf, StepError } from '@ledgerlift/contracts';
import { AttemptSuperseded, type CommandOf } from './commands.js';
import { decideOutcome, nextOfEnd } from './ending.js';
import { foldLive } from './evolve.js';
import { pauseNow } from './operator.js';
import {
  afterPass,
  backToWaiting,
  endTestBoot,
  isBeforeCutover,
  isPassOver,
  isTestOver,
  beginCutover,
} from './passes.js';
import { deferredAtPowerOff, deferredSeenOn, type Windows } from './power-off.js';
import { retryDelayMs } from './policies.js';
import { newsOf } from './reports.js';
import { requestCurrentStep } from './requests.js';
import {
  attemptsOf,
  hookOf,
  indexIn,
  isAtWork,
  openAttempt,
  partOf,
  pauseOf,
  precopyOf,
  type AttemptState,
  type VmLive,
} from './state.js';

/** Decisions that follow from workers' claims and reports, or from their silence. */

/**
 * @returns no `StepStarted` if the attempt is withdrawn instead: then the worker has nothing to do.
 * @throws AttemptSuperseded
 */
export function claim(
  state: VmLive,
  { step, attempt, worker, at }: CommandOf<'claim'>,
  windows: Windows,
): readonly DomainEvent[] {
  const current = currentAttempt(state, step, attempt);
  if (current.worker === worker) return [];
  if (current.worker !== undefined) {
    throw new AttemptSuperseded(step, attempt, `${current.worker} has claimed it`);
  }
  // The claim is the last moment at which a power-off can be refused.
  const deferred = step === 'SourcePowerOff' ? deferredAtPowerOff(state, at, windows) : [];
  if (deferred.length > 0) return deferred;
  return [{ type: 'StepStarted', data: { step, attempt, worker } }];
}

export function report(
  state: VmLive,
  { report, at, random }: CommandOf<'report'>,
  windows: Windows,
): readonly DomainEvent[] {
  const { step, attempt, worker } = report.ref;
  const known = state.attempts.findLast((each) => each.step === step && each.attempt === attempt);
  // A worker repeats its last report until it is confirmed, so the log may have this one already.
  if (known !== undefined && known.worker === worker && report.number <= known.lastReport) return [];
  const current = currentAttempt(state, step, attempt);
  if (current.worker !== worker) {
    throw new AttemptSuperseded(
      step,
      attempt,
      `${current.worker ?? 'no worker'} has claimed it, not ${worker}`,
    );
  }
  const news = newsOf(state, report);
  const { outcome, number } = report;
  if (outcome === undefined) return news;
  const after = foldLive(state, news);
  const context = { report: number, lost: false, at, random };
  switch (outcome.kind) {
    case 'failed':
      return [...news, ...failure(after, current, outcome.error, context)];
    case 'stopped':
      return [...news, ...stop(after, current, outcome.reason, context, windows)];
    case 'source-ran':
      return [...news, ...sourceRan(after, current, outcome.reason, context)];
    case 'snapshot-lost':
      return [...news, ...snapshotLost(after, current, outcome.reason, context)];
    case 'completed': {
      if (outcome.result.step === step)
        return [...news, ...completion(after, { step, attempt, report: number, result: outcome.result }, at)];
      const error: StepError = {
        code: 'LL-MIG-003',
        class: 'permanent',
        message: `the worker reported a result of ${outcome.result.step} for ${step}; run the same version of the worker and the planner`,
      };
      return [...news, ...failure(after, current, error, context)];
    }
  }
}

function completion(state: VmLive, data: EventOf<'StepCompleted'>['data'], at: Date): readonly DomainEvent[] {
  const event: DomainEvent = { type: 'StepCompleted', data };
  return [event, ...afterStep(foldLive(state, [event]), at, data.step)];
}

/** What follows a step that completed or was passed over. */
function afterStep(state: VmLive, at: Date, step: AttemptState['step']): readonly DomainEvent[] {
  if (state.phase === 'cleaning') return nextOfEnd(state);
  if (state.cancel !== undefined) return decideOutcome(state, 'canceled');
  if (step !== 'Cleanup' && isTestOver(state)) return endTestBoot(state);
  if (step === 'Cleanup' && precopyOf(state) !== undefined) return backToWaiting(state);
  if (step !== 'Cleanup' && isPassOver(state)) {
    const next = afterPass(state, at);
    return pauseOf(state) === undefined ? next : [...next, ...pauseNow(foldLive(state, next))];
  }
  // After the last step there is nothing to pause.
  if (state.at >= state.itinerary.length) return decideOutcome(state, 'succeeded');
  return pauseOf(state) === undefined ? requestCurrentStep(state) : pauseNow(state);
}

export interface FailureContext {
  readonly report: number;
  readonly lost: boolean;
  readonly at: Date;
  readonly random: number;
}

/** Decides whether and when a failed attempt is retried. No other code does. */
export function failure(
  state: VmLive,
  current: AttemptState,
  error: StepError,
  context: FailureContext,
): readonly DomainEvent[] {
  const { step, attempt } = current;
  const event: DomainEvent = {
    type: 'StepFailed',
    data: { step, attempt, report: context.report, error, lost: context.lost },
  };
  const after = foldLive(state, [event]);
  if (after.cancel !== undefined && after.phase !== 'cleaning')
    return [event, ...decideOutcome(after, 'canceled')];
  const policy = after.record.settings.retry;
  const hook = hookOf(after, current.hook);
  const mayTry =
    error.class === 'transient' &&
    isAtWork(after) &&
    after.failuresInARow <= (hook?.retries ?? policy.maxRetries) &&
    after.lostInARow <= policy.maxLost;
  if (mayTry && after.phase === 'running') {
    if (pauseOf(after) !== undefined) return [event, ...pauseNow(after)];
    if (isBrokenOff(after)) return [event, ...breakOff(after, context.at)];
  }
  if (mayTry) {
    // A lost worker says nothing about the step itself: another worker retries it at once.
    const delay = context.lost ? 0 : retryDelayMs(policy, after.failuresInARow, context.random);
    const dueAt = new Date(context.at.getTime() + delay).toISOString();
    return [event, { type: 'RetryScheduled', data: { step, attempt: attempt + 1, dueAt } }];
  }
  if (after.phase === 'cleaning') return [event, ...nextOfEnd(after, 'given-up')];
  const told = (condition: Condition): DomainEvent => ({
    type: 'ConditionRaised',
    data: { step, attempt, report: context.report, condition },
  });
  if (hook?.onFailure === 'continue' && step !== 'Cleanup') {
    const passed: DomainEvent = { type: 'StepPassedOver', data: { step, attempt } };
    const events = [event, told(hookCondition(hook.name, error)), passed];
    return [...events, ...afterStep(foldLive(state, events), context.at, step)];
  }
  if (after.itinerary[after.at]?.part === 'test' && after.testBoot !== undefined) {
    const events = [event, told(testCondition(error))];
    return [...events, ...endTestBoot(foldLive(state, events), error)];
  }
  if (after.phase === 'held') return [event, told(heldCondition(error))];
  return [event, ...decideOutcome(after, 'failed', error)];
}

/** The attempt stopped when told to. By now there may be another reason to stop, or none. */
function stop(
  state: VmLive,
  current: AttemptState,
  reason: string,
  { report, at }: FailureContext,
  windows: Windows,
): readonly DomainEvent[] {
  const { step, attempt } = current;
  const event: DomainEvent = { type: 'StepStopped', data: { step, attempt, report, reason } };
  const after = foldLive(state, [event]);
  if (after.phase === 'cleaning') return [event, ...nextOfEnd(after)];
  if (after.cancel !== undefined) return [event, ...decideOutcome(after, 'canceled')];
  if (pauseOf(after) !== undefined) return [event, ...pauseNow(after)];
  if (isBrokenOff(after)) return [event, ...breakOff(after, at)];
  const deferred = step === 'SourcePowerOff' ? deferredSeenOn(after, at, windows) : [];
  return [event, ...(deferred.length > 0 ? deferred : requestCurrentStep(after))];
}

const isBrokenOff = (state: VmLive): boolean =>
  state.cutover.pass === 'break-off' &&
  isBeforeCutover(state) &&
  state.itinerary[state.at]?.step === 'DiskTransfer';

/** Begins the cutover for which the round was broken off. If it may no longer begin, the round continues. */
function breakOff(state: VmLive, at: Date): readonly DomainEvent[] {
  const events = beginCutover(state, at, 'broken-off');
  const after = foldLive(state, events);
  return isBeforeCutover(after) ? [...events, ...requestCurrentStep(after)] : events;
}

/** How often a source may be started after its power-off before the VM is held for an operator. */
const MOST_SOURCE_RUNS = 3;

function sourceRan(
  state: VmLive,
  current: AttemptState,
  reason: string,
  context: FailureContext,
): readonly DomainEvent[] {
  const { step, attempt } = current;
  if (state.phase !== 'running' || state.sourceRan >= MOST_SOURCE_RUNS) {
    const error: StepError = {
      code: 'LL-MIG-009',
      class: 'needs-operator',
      message: `the source was started ${state.sourceRan + 1} times after its power-off: ${reason}. Find out who starts it.`,
    };
    return failure(state, current, error, context);
  }
  const event: DomainEvent = {
    type: 'SourceRanMeanwhile',
    data: { step, attempt, report: context.report, reason },
  };
  return proceed(event, foldLive(state, [event]));
}

/** How many snapshots a round may lose before it fails. */
const MOST_SNAPSHOTS_LOST = 5;

function snapshotLost(
  state: VmLive,
  current: AttemptState,
  reason: string,
  context: FailureContext,
): readonly DomainEvent[] {
  const { step, attempt } = current;
  const canMakeAnother = indexIn(state, partOf(state), 'SnapshotCreation') >= 0;
  if (state.phase !== 'running' || !canMakeAnother || state.snapshotsLost >= MOST_SNAPSHOTS_LOST) {
    const error: StepError = {
      code: 'LL-MIG-011',
      class: 'permanent',
      message: `a snapshot was lost: ${reason}`,
    };
    return failure(state, current, error, context);
  }
  const event: DomainEvent = {
    type: 'SnapshotLost',
    data: { step, attempt, report: context.report, reason },
  };
  return proceed(event, foldLive(state, [event]));
}

/** Continues from the resume point, unless the VM is canceled or paused. */
function proceed(event: DomainEvent, after: VmLive): readonly DomainEvent[] {
  if (after.cancel !== undefined) return [event, ...decideOutcome(after, 'canceled')];
  if (pauseOf(after) !== undefined) return [event, ...pauseNow(after)];
  return [event, ...requestCurrentStep(after)];
}

export function lose(state: VmLive, { step, attempt, at }: CommandOf<'lose'>): readonly DomainEvent[] {
  const current = openAttempt(state);
  if (current?.step !== step || current.attempt !== attempt || current.status !== 'started') return [];
  const error: StepError = {
    code: 'LL-MIG-004',
    class: 'transient',
    message: `the lease of ${current.worker ?? 'the worker'} ran out; the next attempt continues from the last checkpoint`,
  };
  return failure(state, current, error, { report: current.lastReport, lost: true, at, random: 0 });
}

export function reject(
  state: VmLive,
  { step, attempt, error, at, random }: CommandOf<'reject'>,
): readonly DomainEvent[] {
  const current = openAttempt(state);
  if (current?.step !== step || current.attempt !== attempt || current.status !== 'requested') return [];
  return failure(state, current, error, { report: 0, lost: false, at, random });
}

/** @throws AttemptSuperseded unless exactly this attempt is requested or started */
function currentAttempt(state: VmLive, step: AttemptState['step'], attempt: number): AttemptState {
  const current = openAttempt(state);
  if (current?.step === step && current.attempt === attempt) return current;
  const reason =
    current === undefined
      ? `the VM is ${state.phase}, after ${attemptsOf(state, step)} attempts of ${step}`
      : `attempt ${current.attempt} of ${current.step} is the current one`;
  throw new AttemptSuperseded(step, attempt, reason);
}

const condition = (
  type: string,
  category: Condition['category'],
  error: StepError,
  message: string,
): Condition => ({ type, category, reason: error.code, message, items: [], durable: true });

const heldCondition = (error: StepError): Condition =>
  condition('NeedsOperator', 'Error', error, `${error.message} Then retry or cancel the VM.`);
const hookCondition = (hook: string, error: StepError): Condition =>
  condition(
    'HookFailed',
    'Warn',
    error,
    `The hook ${hook} failed, and the plan continues without it: ${error.message}`,
  );
const testCondition = (error: StepError): Condition =>
  condition('TestBootFailed', 'Warn', error, `The test boot failed: ${error.message}`);
