import type { DomainEvent, StepError } from '@ledgerlift/contracts';
import { type Presence, endOfWait } from '../presence/presence.js';
import { failure, report } from './attempts.js';
import type { CommandOf } from './commands.js';
import { foldLive } from './evolve.js';
import { CommandRefused } from './refusals.js';
import { hookOf, openAttempt, type AttemptState, type VmLive } from './state.js';

/** A hook that another system answers: it sees the request among the events, and has until the time limit. */

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

/** When an attempt that nobody has taken has failed by waiting; undefined: it cannot, or not while the planner is away. */
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
          message: `nobody answered the hook ${open.hook ?? ''} in its time limit`,
        }
      : {
          code: 'LL-MIG-007',
          class: 'needs-operator',
          message: `no ${open.service} worker at site ${open.site} took ${open.step} in the plan's time limit; start one of the planner's version.`,
        };
  return failure(state, open, error, { report: 0, lost: false, at, random });
}

const refused = (hook: string, by: string, said: string): StepError => ({
  code: 'LL-MIG-010',
  class: 'transient',
  message: `${by} says that the hook ${hook} failed: ${said.slice(0, 500)}`,
});

const isHookStep = (
  step: AttemptState['step'],
): step is 'PreHook' | 'CutoverHook' | 'PostHook' | 'FailureHook' =>
  step === 'PreHook' || step === 'CutoverHook' || step === 'PostHook' || step === 'FailureHook';
