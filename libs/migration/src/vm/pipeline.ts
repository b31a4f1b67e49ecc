import type { Phase, StepError, StepName } from '@ledgerlift/contracts';
import { itsTurn } from '../schedule/removal-turns.js';
import { awaitsPlanHooks } from './passes.js';
import { attemptsOfEnd, openAttempt, type AttemptState, type CleanupState, type VmLive } from './state.js';

export type PipelineStatus =
  'Pending' | 'Requested' | 'Running' | 'Waiting' | 'Completed' | 'Failed' | 'Canceled';

/** One line of what users see: a projection of the itinerary and its attempts. */
export interface PipelineStep {
  readonly step: StepName;
  readonly phase: Phase | 'clean-up';
  readonly status: PipelineStatus;
  readonly attempts: number;
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
  readonly error: StepError | undefined;
  /** Why it waits, and until when. */
  readonly waitingFor: string | undefined;
}

export function pipelineOf(state: VmLive): readonly PipelineStep[] {
  const steps = state.itinerary.flatMap((step, index) =>
    // A test boot is no part of the way: it is shown while it is under way.
    step.part === 'test' && state.testBoot === undefined ? [] : [itineraryLine(state, index)],
  );
  return state.cleanup === undefined ? steps : [...steps, ...endLines(state, state.cleanup)];
}

function itineraryLine(state: VmLive, index: number): PipelineStep {
  const step = state.itinerary[index];
  if (step === undefined) throw new RangeError(`the itinerary has no step ${index}`);
  const attempts = state.attempts.filter(
    (attempt) => attempt.at === index && attempt.step === step.step && attempt.hook === step.hook,
  );
  const status =
    index < state.at ? 'Completed' : index > state.at ? 'Pending' : currentStatus(state, step.step);
  return line(state, step.step, step.phase, status, attempts);
}

/** What belongs to the end: the steps that were asked for, those still to come, and the clean-up. */
function endLines(state: VmLive, cleanup: CleanupState): readonly PipelineStep[] {
  const asked = attemptsOfEnd(state);
  const names = new Set<StepName>([
    ...asked.map(({ step }) => step),
    ...cleanup.steps.map(({ step }) => step),
    'Cleanup',
  ]);
  return [...names].map((step) => {
    const attempts = asked.filter((attempt) => attempt.step === step);
    const isAwaited = state.turn?.step === step;
    const isCurrent = isAwaited || (state.phase === 'cleaning' && attempts.at(-1) === state.attempts.at(-1));
    const isOver = !isAwaited && (state.phase !== 'cleaning' || attempts.at(-1)?.status === 'completed');
    const over = attempts.at(-1)?.status === 'failed' ? 'Failed' : 'Completed';
    return line(
      state,
      step,
      'clean-up',
      isOver ? over : isCurrent ? currentStatus(state, step) : 'Pending',
      attempts,
    );
  });
}

function line(
  state: VmLive,
  step: StepName,
  phase: PipelineStep['phase'],
  status: PipelineStatus,
  attempts: readonly AttemptState[],
): PipelineStep {
  const last = attempts.at(-1);
  return {
    step,
    phase,
    status,
    attempts: attempts.reduce((sum, { folded }) => sum + folded.count + 1, 0),
    startedAt: firstStart(attempts),
    completedAt: status === 'Completed' ? last?.endedAt : undefined,
    error: status === 'Completed' ? undefined : last?.error,
    waitingFor: waitingFor(state, step, status),
  };
}

/** When the first of the attempts was started, those that were folded included. */
export const firstStart = (attempts: readonly AttemptState[]): string | undefined =>
  attempts.flatMap(({ folded, startedAt }) => folded.startedAt ?? startedAt ?? []).at(0);

function currentStatus(state: VmLive, step: StepName): PipelineStatus {
  const open = openAttempt(state);
  if (open?.step === step) return open.status === 'started' ? 'Running' : 'Requested';
  if (state.turn?.step === step || state.retryAt?.step === step || state.phase === 'held') return 'Waiting';
  if (state.phase === 'waiting' || state.phase === 'paused') return 'Waiting';
  const outcome = state.cleanup?.outcome;
  if (outcome === 'canceled') return 'Canceled';
  return outcome === 'failed' ? 'Failed' : 'Pending';
}

function waitingFor(state: VmLive, step: StepName, status: PipelineStatus): string | undefined {
  if (status === 'Requested') {
    const { service = '', site = '', hook } = openAttempt(state) ?? {};
    return service === 'external'
      ? `an answer to the hook ${hook ?? ''}`
      : `a ${service} worker at site ${site}`;
  }
  if (status === 'Waiting') {
    if (state.turn?.step === step) return itsTurn;
    if (state.phase === 'held') return 'an operator, to retry or cancel';
    if (state.phase === 'paused') return `a resume: ${state.pause ?? ''}`;
    if (state.phase === 'waiting') return passWait(state);
  }
  if (state.retryAt?.step === step) return `the next try at ${state.retryAt.dueAt}`;
  return state.phase === 'planned' && status === 'Pending' && state.itinerary[state.at]?.step === step
    ? 'a free place'
    : undefined;
}

/** For what a VM waits without a place: its window, or, between two passes, the next or the cutover. */
function passWait(state: VmLive): string {
  const { precopy, cutover, powerOffAt } = state;
  if (powerOffAt !== undefined)
    return `the maintenance window that opens at ${powerOffAt}, to power the source off`;
  const next = precopy?.dueAt === undefined ? undefined : `the next pass at ${precopy.dueAt}`;
  const isUnapproved = state.record.settings.approve.cutover && !state.cutoverApproved;
  const deferred = state.cutoverDeferred === undefined ? '' : `, put off because ${state.cutoverDeferred}`;
  const last =
    cutover === undefined
      ? `a cutover to be asked for${deferred}`
      : isUnapproved
        ? `a second person to approve the cutover at ${cutover.dueAt}${deferred}`
        : awaitsPlanHooks(state)
          ? `the plan's hooks at the cutover, which is due at ${cutover.dueAt}`
          : `the cutover at ${cutover.dueAt}${deferred}`;
  return next === undefined ? last : `${next}, or ${last}`;
}

/** Percent: completed steps ÷ steps, with the share of the current step (0 to 1) inside its own part. */
export function progressOf(state: VmLive, shareOfCurrentStep = 0): number {
  const share = state.at < state.itinerary.length ? Math.min(Math.max(shareOfCurrentStep, 0), 1) : 0;
  return Math.floor((100 * (state.at + share)) / state.itinerary.length);
}
