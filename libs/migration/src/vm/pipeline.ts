import type { Phase, StepError, StepName } from '@ledgerlift/contracts';
import { removalSlot } from '../schedule/removal-slots.js';
import { awaitsPlanHooks } from './passes.js';
import {
  attemptsOfEnd,
  awaitedRemovalOf,
  cleanupOf,
  isDecided,
  openAttempt,
  retryOf,
  type AttemptState,
  type VmCleaning,
  type VmEnded,
  type VmLive,
  type VmWaiting,
} from './state.js';

export type PipelineStatus =
  'Pending' | 'Requested' | 'Running' | 'Waiting' | 'Completed' | 'Failed' | 'Canceled';

/** One line of the pipeline that users see, projected from the itinerary and its attempts. */
export interface PipelineStep {
  readonly step: StepName;
  readonly phase: Phase | 'clean-up';
  readonly status: PipelineStatus;
  readonly attempts: number;
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
  readonly error: StepError | undefined;
  /** What the step waits for, and until when. */
  readonly waitingFor: string | undefined;
}

export function pipelineOf(state: VmLive): readonly PipelineStep[] {
  const steps = state.itinerary.flatMap((step, index) =>
    // Shown only while it runs, because a test boot is not part of the path to the target.
    step.part === 'test' && state.testBoot === undefined ? [] : [itineraryLine(state, index)],
  );
  return isDecided(state) ? [...steps, ...endLines(state)] : steps;
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

/** The lines of the end: steps already requested, steps still to come, and the clean-up. */
function endLines(state: VmCleaning | VmEnded): readonly PipelineStep[] {
  const asked = attemptsOfEnd(state);
  const names = new Set<StepName>([
    ...asked.map(({ step }) => step),
    ...state.cleanup.steps.map(({ step }) => step),
    'Cleanup',
  ]);
  return [...names].map((step) => {
    const attempts = asked.filter((attempt) => attempt.step === step);
    const isAwaited = awaitedRemovalOf(state)?.step === step;
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

/** When the first attempt started, folded ones included. */
export const firstStart = (attempts: readonly AttemptState[]): string | undefined =>
  attempts.flatMap(({ folded, startedAt }) => folded.startedAt ?? startedAt ?? []).at(0);

function currentStatus(state: VmLive, step: StepName): PipelineStatus {
  const open = openAttempt(state);
  if (open?.step === step) return open.status === 'started' ? 'Running' : 'Requested';
  const awaited = awaitedRemovalOf(state) ?? retryOf(state);
  if (awaited?.step === step || state.phase === 'held') return 'Waiting';
  if (state.phase === 'waiting' || state.phase === 'paused') return 'Waiting';
  const outcome = cleanupOf(state)?.outcome;
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
    if (awaitedRemovalOf(state)?.step === step) return removalSlot;
    if (state.phase === 'held') return 'an operator, to retry or cancel';
    if (state.phase === 'paused') return `an operator, to resume it (paused: ${state.pause})`;
    if (state.phase === 'waiting') return passWait(state);
  }
  const retry = retryOf(state);
  if (retry?.step === step) return `the next attempt at ${retry.dueAt}`;
  return state.phase === 'planned' && status === 'Pending' && state.itinerary[state.at]?.step === step
    ? 'a free slot'
    : undefined;
}

/** What a VM without a slot waits for: its window, its next round, or its cutover. */
function passWait(state: VmWaiting): string {
  const { precopy, powerOff } = state;
  const { scheduled, isApproved, deferred: reason } = state.cutover;
  if (powerOff !== undefined)
    return `the maintenance window that opens at ${powerOff.dueAt}, to power the source off`;
  const next = precopy?.dueAt === undefined ? undefined : `the next round at ${precopy.dueAt}`;
  const isUnapproved = state.record.settings.approve.cutover && !isApproved;
  const deferred = reason === undefined ? '' : `, put off because ${reason}`;
  const last =
    scheduled === undefined
      ? `a cutover request${deferred}`
      : isUnapproved
        ? `a second person to approve the cutover at ${scheduled.dueAt}${deferred}`
        : awaitsPlanHooks(state)
          ? `the plan's hooks at the cutover, which is due at ${scheduled.dueAt}`
          : `the cutover at ${scheduled.dueAt}${deferred}`;
  return next === undefined ? last : `${next}, or ${last}`;
}

/** Completed steps ÷ steps, in percent, plus the share (0 to 1) of the current step. */
export function progressOf(state: VmLive, shareOfCurrentStep = 0): number {
  const share = state.at < state.itinerary.length ? Math.min(Math.max(shareOfCurrentStep, 0), 1) : 0;
  return Math.floor((100 * (state.at + share)) / state.itinerary.length);
}
