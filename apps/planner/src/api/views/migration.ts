import type {
  HookMoment,
  HookSpec,
  MigrationStatus,
  MigrationView,
  PlanHookView,
} from '@ledgerlift/contracts';
import { firstStart, isTerminal, pipelineOf, type VmLive } from '@ledgerlift/migration';
import type { MigrationRun } from '../../runs/run-service.js';
import { given } from './catalog.js';
import { countVms } from './counts.js';
import { shareUnderWay } from './vm.js';

export function migrationView(run: MigrationRun): MigrationView {
  return {
    id: run.migrationId,
    planId: run.planId,
    planName: run.planName,
    status: migrationStatus(run),
    startedAt: run.startedAt,
    ...(run.completedAt === undefined ? {} : { completedAt: run.completedAt }),
    cancelRequested: run.cancelRequested,
    counts: countVms(run),
    wave: run.wave,
    waves: [...run.waves],
    progressPercent: migrationProgress(run),
    hooks: run.hooks.flatMap(({ state }) => (state === undefined ? [] : planHookView(state, run))),
  };
}

/** Failed takes precedence over canceled, because somebody has to act on it. */
export function migrationStatus(run: MigrationRun): MigrationStatus {
  if (run.completedAt === undefined) {
    if (run.cancelRequested) return 'canceling';
    if (run.awaitsApproval) return 'awaiting-approval';
    return run.pauseRequested ? 'paused' : 'running';
  }
  const { failed, canceled } = countVms(run);
  if (failed > 0) return 'failed';
  return canceled > 0 ? 'canceled' : 'succeeded';
}

/** Percent of the steps of all VMs: completed steps, plus the reported progress of running steps. */
export function migrationProgress(run: MigrationRun): number {
  const { total } = countVms(run);
  const shares = run.underWay.reduce((sum, vm) => sum + shareUnderWay(vm), 0);
  return total === 0 ? 0 : Math.floor((run.percent + shares) / total);
}

type Run = Pick<MigrationRun, 'awaitsApproval' | 'cancelRequested' | 'completedAt'>;

/** A hook of a whole plan, which the log keeps as a VM with one step. */
export function planHookView(state: VmLive, run: Run): PlanHookView[] {
  const { record, phase, attempts, results } = state;
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
    ...given('endedAt', isTerminal(state) ? state.endedAt : undefined),
    ...given('said', isDone ? said : undefined),
    ...given('error', isDone ? undefined : error),
  }));
}

function waitingFor(state: VmLive, { at }: HookSpec, run: Run): string | undefined {
  if (isTerminal(state)) return undefined;
  // In a completed run, the hook's moment can no longer come.
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
