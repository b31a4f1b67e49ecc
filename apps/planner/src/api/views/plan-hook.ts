import type { HookMoment, HookSpec, PlanHookView } from '@ledgerlift/contracts';
import { type VmLive, firstStart, isTerminal, pipelineOf } from '@ledgerlift/migration';
import type { MigrationRun } from '../../runs/run-service.js';
import { given } from './given.js';

type Run = Pick<MigrationRun, 'awaitsApproval' | 'cancelRequested' | 'completedAt'>;

/** A hook of a whole plan, which the log keeps as a VM with one step. */
export function planHookView(state: VmLive, run: Run): PlanHookView[] {
  const { record, phase, attempts, results, endedAt } = state;
  const startedAt = firstStart(attempts);
  const error = attempts.findLast((attempt) => attempt.error !== undefined)?.error;
  const said = results.findLast((result) => 'said' in result)?.said;
  const isDone = phase === 'succeeded';
  return record.settings.hooks.map((hook) => ({
    name: hook.name,
    at: hook.at,
    index: record.index,
    kind: hook.run.kind,
    state: states[phase],
    ...given('waitingFor', waitingFor(state, hook, run)),
    ...given('startedAt', startedAt),
    ...given('endedAt', endedAt),
    ...given('said', isDone ? said : undefined),
    ...given('error', isDone ? undefined : error),
  }));
}

function waitingFor(state: VmLive, { at }: HookSpec, run: Run): string | undefined {
  if (isTerminal(state)) return undefined;
  // A moment that can come no more is waited for by nobody.
  if (state.phase === 'planned')
    return run.completedAt !== undefined ? undefined : run.awaitsApproval ? approval : moments[at];
  return pipelineOf(state).find((step) => step.waitingFor !== undefined)?.waitingFor;
}

const approval = 'a second person to approve the start';
const moments: Readonly<Record<HookMoment, string>> = {
  before: 'the hooks before it',
  cutover: 'the first cutover, and the hooks before it',
  after: 'all VMs to be at an end, and none to have failed',
  failure: 'all VMs to be at an end, and one to have failed',
};

const states: Readonly<Record<VmLive['phase'], PlanHookView['state']>> = {
  planned: 'pending',
  waiting: 'pending',
  paused: 'held',
  running: 'running',
  cleaning: 'running',
  held: 'held',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  'rolled-back': 'canceled',
};
