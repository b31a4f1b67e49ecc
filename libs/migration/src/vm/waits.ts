import type { DomainEvent, StepError } from '@ledgerlift/contracts';
import { endOfWait, type Presence } from '../presence.js';
import { failure, report } from './attempts.js';
import { type CommandOf, CommandRefused } from './commands.js';
import { nextOfEnd } from './ending.js';
import { foldLive } from './evolve.js';
import { backToWaiting, passDue, passWakeAt } from './passes.js';
import { requestCurrentStep } from './requests.js';
import {
  type AttemptState,
  hookOf,
  isTerminal,
  openAttempt,
  precopyOf,
  retryOf,
  type VmLive,
} from './state.js';

/** Events due by the clock. Every due time follows from the log, so that a restart loses none. */

/** @returns when to wake the VM, in milliseconds since 1970; undefined if nothing is due by the clock */
export function wakeAt(state: VmLive, presence: Presence): number | undefined {
  if (isTerminal(state) || state.phase === 'paused' || state.phase === 'held') return undefined;
  const retry = retryOf(state);
  const retryAt = retry === undefined ? undefined : Date.parse(retry.dueAt);
  const times = [retryAt, requestEndsAt(state, presence), passWakeAt(state)].filter(
    (time) => time !== undefined,
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

export function wake(state: VmLive, { at, random, presence }: CommandOf<'wake'>): readonly DomainEvent[] {
  if (isTerminal(state) || state.phase === 'paused' || state.phase === 'held') return [];
  const retry = retryOf(state);
  if (retry !== undefined) {
    if (Date.parse(retry.dueAt) > at.getTime()) return [];
    if (state.phase === 'cleaning') return nextOfEnd(state);
    return retry.step === 'Cleanup' && precopyOf(state) !== undefined
      ? backToWaiting(state)
      : requestCurrentStep(state);
  }
  const open = openAttempt(state);
  const endsAt = requestEndsAt(state, presence);
  if (open !== undefined && endsAt !== undefined && endsAt <= at.getTime())
    return requestExpired(state, open, at, random);
  return passDue(state, at);
}

/** Hooks that another system answers: it sees the request among the events, and must answer within the time limit. */

export function answerHook(
  state: VmLive,
  { hook, by, succeeded, said, at, random }: CommandOf<'answer-hook'>,
): readonly DomainEvent[] {
  const open = openAttempt(state);
  if (open?.service !== 'external' || open.hook !== hook)
    throw new CommandRefused('answer', `the VM does not wait for the hook ${hook}`);
  const { step, attempt } = open;
  const worker = `external/${by}`;
  const started: DomainEvent = { type: 'StepStarted', data: { step, attempt, worker } };
  const after = foldLive(state, [started]);
  const ref = { stream: '', step, attempt, worker };
  const outcome =
    succeeded === 'yes' && isHookStep(step)
      ? ({ kind: 'completed', result: { step, hook, said } } as const)
      : ({ kind: 'failed', error: refused(hook, by, said) } as const);
  const content = { claimed: [], released: [], conditions: [], checkpoints: [], outcome };
  const command = { kind: 'report', report: { ref, number: 1, ...content }, at, random } as const;
  return [started, ...report(after, command, [])];
}

/**
 * When an unclaimed attempt times out, in milliseconds since 1970; undefined: never, or not while the planner is away.
 */
export function requestEndsAt(state: VmLive, presence: Presence): number | undefined {
  const open = openAttempt(state);
  if (open?.status !== 'requested') return undefined;
  const asked = Date.parse(open.requestedAt);
  const limit =
    open.service === 'external'
      ? hookOf(state, open.hook)?.timeLimitMs
      : state.record.settings.timeLimits.workerMs;
  return limit === undefined || Number.isNaN(asked) ? undefined : endOfWait(asked, limit, presence);
}

export function requestExpired(
  state: VmLive,
  open: AttemptState,
  at: Date,
  random: number,
): readonly DomainEvent[] {
  const error: StepError =
    open.service === 'external'
      ? {
          code: 'LL-MIG-006',
          class: 'transient',
          message: `nobody answered the hook ${open.hook ?? ''} within its time limit`,
        }
      : {
          code: 'LL-MIG-007',
          class: 'needs-operator',
          message: `no ${open.service} worker at site ${open.site} took ${open.step} within the plan's time limit; start a worker of the planner's version`,
        };
  return failure(state, open, error, { report: 0, lost: false, at, random });
}

const refused = (hook: string, by: string, said: string): StepError => ({
  code: 'LL-MIG-010',
  class: 'transient',
  message: `${by} reported that the hook ${hook} failed: ${said.slice(0, 500)}`,
});

const isHookStep = (
  step: AttemptState['step'],
): step is 'PreHook' | 'CutoverHook' | 'PostHook' | 'FailureHook' =>
  step === 'PreHook' || step === 'CutoverHook' || step === 'PostHook' || step === 'FailureHook';
