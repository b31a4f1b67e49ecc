import type { Condition, DomainEvent, StepError } from '@ledgerlift/contracts';
import type { VmCommand } from './commands.js';
import { decideOutcome, nextCleanup, requestCurrentStep } from './consequences.js';
import { foldLive } from './evolve.js';
import { cleanupPlan, retryDelayMs } from './policies.js';
import { AttemptSuperseded, CommandRefused } from './refusals.js';
import { newsOf } from './reports.js';
import {
  attemptsOf,
  isTerminal,
  openAttempt,
  type AttemptState,
  type VmLive,
  type VmState,
} from './state.js';

/**
 * What follows from a command, given everything that has happened: the one place that decides about a VM.
 *
 * @returns the events to append at the revision of `state`; none where the command says what is already so
 * @throws CommandRefused or AttemptSuperseded, with nothing changed
 */
export function decideVm(command: VmCommand, state: VmState): readonly DomainEvent[] {
  if (command.kind === 'plan') {
    if (state !== undefined) throw new CommandRefused('plan', 'the VM is already planned in this migration');
    return [
      { type: 'VmMigrationPlanned', data: { record: command.record, itinerary: [...command.itinerary] } },
    ];
  }
  if (state === undefined) throw new CommandRefused(command.kind, 'the VM is not part of this migration');
  switch (command.kind) {
    case 'admit':
      return admit(state);
    case 'claim':
      return claim(state, command);
    case 'report':
      return report(state, command);
    case 'lose':
      return lose(state, command);
    case 'reject':
      return reject(state, command);
    case 'retry-due':
      return retryDue(state, command.at);
    case 'cancel':
      return cancel(state, command.reason);
    case 'retry':
      return retry(state, command);
    case 'abandon':
      return abandon(state, command.reason);
  }
}

type CommandOf<K extends VmCommand['kind']> = Extract<VmCommand, { kind: K }>;

function admit(state: VmLive): readonly DomainEvent[] {
  if (state.phase !== 'planned') return [];
  return [{ type: 'VmMigrationAdmitted', data: {} }, ...requestCurrentStep(state)];
}

function claim(state: VmLive, { step, attempt, worker }: CommandOf<'claim'>): readonly DomainEvent[] {
  const current = currentAttempt(state, step, attempt);
  if (current.worker === worker) return [];
  if (current.worker !== undefined) {
    throw new AttemptSuperseded(step, attempt, `${current.worker} has it`);
  }
  return [{ type: 'StepStarted', data: { step, attempt, worker } }];
}

function report(state: VmLive, { report, at, random }: CommandOf<'report'>): readonly DomainEvent[] {
  const { step, attempt, worker } = report.ref;
  const known = state.attempts.find((each) => each.step === step && each.attempt === attempt);
  // The worker repeats its last word until it is confirmed: what is in the log already is no news.
  if (known !== undefined && known.worker === worker && report.number <= known.lastReport) return [];
  const current = currentAttempt(state, step, attempt);
  if (current.worker !== worker) {
    throw new AttemptSuperseded(step, attempt, `${current.worker ?? 'nobody'} has it, not ${worker}`);
  }
  const news = newsOf(state, report);
  const { outcome } = report;
  if (outcome === undefined) return news;
  const after = foldLive(state, news);
  if (outcome.kind === 'failed') {
    return [
      ...news,
      ...failure(after, current, outcome.error, { report: report.number, lost: false, at, random }),
    ];
  }
  if (outcome.result.step !== step) {
    const error: StepError = {
      code: 'LL-MIG-003',
      class: 'permanent',
      message: `the worker reported a result of ${outcome.result.step} for ${step}; run workers of this version`,
    };
    return [...news, ...failure(after, current, error, { report: report.number, lost: false, at, random })];
  }
  return [...news, ...completion(after, { step, attempt, report: report.number, result: outcome.result })];
}

function completion(
  state: VmLive,
  data: Extract<DomainEvent, { type: 'StepCompleted' }>['data'],
): readonly DomainEvent[] {
  const event: DomainEvent = { type: 'StepCompleted', data };
  const after = foldLive(state, [event]);
  if (after.phase === 'cleaning') return [event, ...nextCleanup(after)];
  if (after.cancel !== undefined) return [event, ...decideOutcome(after, 'canceled')];
  if (after.at < after.itinerary.length) return [event, ...requestCurrentStep(after)];
  return [event, ...decideOutcome(after, 'succeeded')];
}

interface FailureContext {
  readonly report: number;
  readonly lost: boolean;
  readonly at: Date;
  readonly random: number;
}

/** The one place that decides a retry. */
function failure(
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
  const mayTry =
    error.class === 'transient' &&
    after.failuresInARow <= policy.maxRetries &&
    after.lostInARow <= policy.maxLost;
  if (mayTry) {
    // A lost worker says nothing about the work: somebody else takes it at once.
    const delay = context.lost ? 0 : retryDelayMs(policy, after.failuresInARow, context.random);
    const dueAt = new Date(context.at.getTime() + delay).toISOString();
    return [event, { type: 'RetryScheduled', data: { step, attempt: attempt + 1, dueAt } }];
  }
  if (after.phase === 'cleaning') return [event, ...nextCleanup(after, 'given-up')];
  if (after.phase === 'held')
    return [
      event,
      {
        type: 'ConditionRaised',
        data: { step, attempt, report: context.report, condition: heldCondition(error) },
      },
    ];
  return [event, ...decideOutcome(after, 'failed', error)];
}

function lose(state: VmLive, { step, attempt, at }: CommandOf<'lose'>): readonly DomainEvent[] {
  const current = openAttempt(state);
  if (current?.step !== step || current.attempt !== attempt || current.status !== 'started') return [];
  const error: StepError = {
    code: 'LL-MIG-004',
    class: 'transient',
    message: `the lease of ${current.worker ?? 'the worker'} ran out; the next attempt goes on from the last checkpoint`,
  };
  return failure(state, current, error, { report: current.lastReport, lost: true, at, random: 0 });
}

function reject(
  state: VmLive,
  { step, attempt, error, at, random }: CommandOf<'reject'>,
): readonly DomainEvent[] {
  const current = openAttempt(state);
  if (current?.step !== step || current.attempt !== attempt || current.status !== 'requested') return [];
  return failure(state, current, error, { report: 0, lost: false, at, random });
}

function retryDue(state: VmLive, at: Date): readonly DomainEvent[] {
  const { retryAt } = state;
  if (retryAt === undefined || Date.parse(retryAt.dueAt) > at.getTime()) return [];
  return state.phase === 'cleaning' ? nextCleanup(state) : requestCurrentStep(state);
}

function cancel(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.cancel !== undefined && !isTerminal(state)) return [];
  if (isTerminal(state))
    throw new CommandRefused('cancel', `the migration of the VM has ${state.phase} already`);
  if (state.phase === 'cleaning') {
    throw new CommandRefused(
      'cancel',
      `the migration has ${state.cleanup?.outcome ?? 'ended'}, only clean-up is left`,
    );
  }
  const event: DomainEvent = { type: 'CancelRequested', data: { reason } };
  // A worker that has started must stop first; what nobody has claimed is refused to whoever comes.
  if (openAttempt(state)?.status === 'started') return [event];
  return [event, ...decideOutcome(foldLive(state, [event]), 'canceled')];
}

function retry(state: VmLive, { reason, record }: CommandOf<'retry'>): readonly DomainEvent[] {
  if (state.abandoned)
    throw new CommandRefused(
      'retry',
      'the VM was abandoned, and what a retry needs is gone; start the plan again',
    );
  if (state.phase === 'running' && state.retryAt !== undefined && record === undefined)
    return requestCurrentStep(state);
  if (state.phase !== 'failed' && state.phase !== 'held') {
    throw new CommandRefused(
      'retry',
      `only a VM that failed or is held can be tried again, and this one is ${state.phase}`,
    );
  }
  const step = state.itinerary[state.at]?.step;
  if (step === undefined) throw new CommandRefused('retry', 'every step is completed');
  return [{ type: 'RetryRequested', data: { step, reason, ...(record === undefined ? {} : { record }) } }];
}

function abandon(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.abandoned) return [];
  if (state.phase !== 'failed')
    throw new CommandRefused('abandon', `only a failed VM can be abandoned, and this one is ${state.phase}`);
  const event: DomainEvent = { type: 'VmMigrationAbandoned', data: { reason } };
  const { release, keep } = cleanupPlan(state.ledger, 'abandoned');
  const decided: DomainEvent = {
    type: 'CleanupDecided',
    data: { outcome: 'failed', release: [...release], keep: [...keep] },
  };
  const after = foldLive(state, [event, decided]);
  return [event, decided, ...nextCleanup(after)];
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

const heldCondition = (error: StepError): Condition => ({
  type: 'NeedsOperator',
  category: 'Error',
  reason: error.code,
  message: `${error.message} Then retry or cancel the VM.`,
  items: [],
  durable: true,
});
