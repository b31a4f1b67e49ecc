import type { MigrationStatus, MigrationView } from '@ledgerlift/contracts';
import type { MigrationRun } from '../../runs/run-service.js';
import { countVms } from './counts.js';
import { planHookView } from './plan-hook.js';
import { shareUnderWay } from './progress.js';

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

/** Failed counts before canceled: it is what somebody has to look at. */
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

/** Percent, of the steps of all VMs that are completed, and of what workers say of those under way. */
export function migrationProgress(run: MigrationRun): number {
  const { total } = countVms(run);
  const shares = run.underWay.reduce((sum, vm) => sum + shareUnderWay(vm), 0);
  return total === 0 ? 0 : Math.floor((run.percent + shares) / total);
}
