import type { Phase, StepError, StepName } from '@ledgerlift/contracts';
import { attemptsOf, openAttempt, type VmLive } from './state.js';

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
  const steps = state.itinerary.map((step, index) =>
    pipelineStep(
      state,
      step.step,
      step.phase,
      index < state.at ? 'Completed' : index === state.at ? 'current' : 'Pending',
    ),
  );
  if (state.cleanup === undefined) return steps;
  const isOver = state.phase !== 'cleaning';
  return [...steps, pipelineStep(state, 'Cleanup', 'clean-up', isOver ? 'Completed' : 'current')];
}

function pipelineStep(
  state: VmLive,
  step: StepName,
  phase: PipelineStep['phase'],
  position: 'Completed' | 'current' | 'Pending',
): PipelineStep {
  const attempts = state.attempts.filter((attempt) => attempt.step === step);
  const last = attempts.at(-1);
  const status = position === 'current' ? currentStatus(state, step) : position;
  return {
    step,
    phase,
    status,
    attempts: attemptsOf(state, step),
    startedAt: attempts.find((attempt) => attempt.startedAt !== undefined)?.startedAt,
    completedAt: status === 'Completed' ? last?.endedAt : undefined,
    error: status === 'Completed' ? undefined : last?.error,
    waitingFor: waitingFor(state, step, status),
  };
}

function currentStatus(state: VmLive, step: StepName): PipelineStatus {
  const open = openAttempt(state);
  if (open?.step === step) return open.status === 'started' ? 'Running' : 'Requested';
  if (state.retryAt?.step === step || state.phase === 'held') return 'Waiting';
  const outcome = state.cleanup?.outcome;
  if (outcome === 'canceled') return 'Canceled';
  return outcome === 'failed' ? 'Failed' : 'Pending';
}

function waitingFor(state: VmLive, step: StepName, status: PipelineStatus): string | undefined {
  if (status === 'Requested')
    return `a ${openAttempt(state)?.service ?? ''} worker at site ${openAttempt(state)?.site ?? ''}`;
  if (state.phase === 'held' && status === 'Waiting') return 'an operator, to retry or cancel';
  if (state.retryAt?.step === step) return `the next try at ${state.retryAt.dueAt}`;
  return state.phase === 'planned' && status === 'Pending' && state.itinerary[state.at]?.step === step
    ? 'a free place'
    : undefined;
}

/** Percent: completed steps ÷ steps, with the share of the current step (0 to 1) inside its own part. */
export function progressOf(state: VmLive, shareOfCurrentStep = 0): number {
  const share = state.at < state.itinerary.length ? Math.min(Math.max(shareOfCurrentStep, 0), 1) : 0;
  return Math.floor((100 * (state.at + share)) / state.itinerary.length);
}
