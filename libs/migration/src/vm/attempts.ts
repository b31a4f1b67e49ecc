import type { Condition, DomainEvent, EventOf, StepError } from '@ledgerlift/contracts';
import type { CommandOf } from './commands.js';
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
import { AttemptSuperseded } from './refusals.js';
import { newsOf } from './reports.js';
import { requestCurrentStep } from './requests.js';
import { attemptsOf, hookOf, indexIn, openAttempt, partOf, type AttemptState, type VmLive } from './state.js';

/** What follows from what workers say, or no longer say. */

/** @returns without `StepStarted` where the attempt is taken back instead: then the claimant has nothing to do */
export function claim(
  state: VmLive,
  { step, attempt, worker, at }: CommandOf<'claim'>,
  windows: Windows,
): readonly DomainEvent[] {
  const current = currentAttempt(state, step, attempt);
  if (current.worker === worker) return [];
  if (current.worker !== undefined) {
    throw new AttemptSuperseded(step, attempt, `${current.worker} has it`);
  }
  // Nothing lies between a claim and the power-off that could still say no.
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
  // The worker repeats its last word until it is confirmed: what is in the log already is no news.
  if (known !== undefined && known.worker === worker && report.number <= known.lastReport) return [];
  const current = currentAttempt(state, step, attempt);
  if (current.worker !== worker) {
    throw new AttemptSuperseded(step, attempt, `${current.worker ?? 'nobody'} has it, not ${worker}`);
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
        message: `the worker reported a result of ${outcome.result.step} for ${step}; run workers of this version`,
      };
      return [...news, ...failure(after, current, error, context)];
    }
  }
}

function completion(state: VmLive, data: EventOf<'StepCompleted'>['data'], at: Date): readonly DomainEvent[] {
  const event: DomainEvent = { type: 'StepCompleted', data };
  return [event, ...afterStep(foldLive(state, [event]), at, data.step)];
}

/** What comes after a step is done, or is left behind. */
function afterStep(state: VmLive, at: Date, step: AttemptState['step']): readonly DomainEvent[] {
  if (state.phase === 'cleaning') return nextOfEnd(state);
  if (state.cancel !== undefined) return decideOutcome(state, 'canceled');
  if (step !== 'Cleanup' && isTestOver(state)) return endTestBoot(state);
  if (step === 'Cleanup' && state.precopy !== undefined) return backToWaiting(state);
  if (step !== 'Cleanup' && isPassOver(state)) {
    const next = afterPass(state, at);
    return state.pause === undefined ? next : [...next, ...pauseNow(foldLive(state, next))];
  }
  // A pause that comes after the last step has nothing to hold up.
  if (state.at >= state.itinerary.length) return decideOutcome(state, 'succeeded');
  return state.pause === undefined ? requestCurrentStep(state) : pauseNow(state);
}

export interface FailureContext {
  readonly report: number;
  readonly lost: boolean;
  readonly at: Date;
  readonly random: number;
}

/** The one place that decides a retry. */
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
    after.failuresInARow <= (hook?.retries ?? policy.maxRetries) &&
    after.lostInARow <= policy.maxLost;
  if (mayTry && after.phase === 'running') {
    if (after.pause !== undefined) return [event, ...pauseNow(after)];
    if (isBrokenOff(after)) return [event, ...breakOff(after, context.at)];
  }
  if (mayTry) {
    // A lost worker says nothing about the work: somebody else takes it at once.
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

/** It was told to stop, and did; by now there may be another reason to, or none any more. */
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
  if (after.pause !== undefined) return [event, ...pauseNow(after)];
  if (isBrokenOff(after)) return [event, ...breakOff(after, at)];
  const deferred = step === 'SourcePowerOff' ? deferredSeenOn(after, at, windows) : [];
  return [event, ...(deferred.length > 0 ? deferred : requestCurrentStep(after))];
}

const isBrokenOff = (state: VmLive): boolean =>
  state.passAtCutover === 'break-off' &&
  isBeforeCutover(state) &&
  state.itinerary[state.at]?.step === 'DiskTransfer';

/** The cutover that the pass was broken off for; where it may not begin any more, the pass goes on. */
function breakOff(state: VmLive, at: Date): readonly DomainEvent[] {
  const events = beginCutover(state, at, 'broken-off');
  const after = foldLive(state, events);
  return isBeforeCutover(after) ? [...events, ...requestCurrentStep(after)] : events;
}

/** So often may a source run although it was powered off, before an operator must look who starts it. */
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
      message: `the source was started again ${state.sourceRan + 1} times after it had been powered off: ${reason}. See who starts it.`,
    };
    return failure(state, current, error, context);
  }
  const event: DomainEvent = {
    type: 'SourceRanMeanwhile',
    data: { step, attempt, report: context.report, reason },
  };
  return goOn(event, foldLive(state, [event]));
}

/** So many snapshots may be lost in one pass before it has failed. */
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
      message: `a snapshot is lost: ${reason}`,
    };
    return failure(state, current, error, context);
  }
  const event: DomainEvent = {
    type: 'SnapshotLost',
    data: { step, attempt, report: context.report, reason },
  };
  return goOn(event, foldLive(state, [event]));
}

/** After going back: on from there, unless somebody wants it stopped. */
function goOn(event: DomainEvent, after: VmLive): readonly DomainEvent[] {
  if (after.cancel !== undefined) return [event, ...decideOutcome(after, 'canceled')];
  if (after.pause !== undefined) return [event, ...pauseNow(after)];
  return [event, ...requestCurrentStep(after)];
}

export function lose(state: VmLive, { step, attempt, at }: CommandOf<'lose'>): readonly DomainEvent[] {
  const current = openAttempt(state);
  if (current?.step !== step || current.attempt !== attempt || current.status !== 'started') return [];
  const error: StepError = {
    code: 'LL-MIG-004',
    class: 'transient',
    message: `the lease of ${current.worker ?? 'the worker'} ran out; the next attempt goes on from the last checkpoint`,
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

/** @throws AttemptSuperseded unless exactly this attempt is asked for or under way */
function currentAttempt(state: VmLive, step: AttemptState['step'], attempt: number): AttemptState {
  const current = openAttempt(state);
  if (current?.step === step && current.attempt === attempt) return current;
  const reason =
    current === undefined
      ? `the VM is ${state.phase}, after ${attemptsOf(state, step)} attempts of ${step}`
      : `attempt ${current.attempt} of ${current.step} is`;
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
    `The hook ${hook} failed, and the plan goes on without it: ${error.message}`,
  );
const testCondition = (error: StepError): Condition =>
  condition('TestBootFailed', 'Warn', error, `The test boot could not be done: ${error.message}`);
