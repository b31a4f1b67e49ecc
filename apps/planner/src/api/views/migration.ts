import type { MigrationStatus, MigrationView } from '@ledgerlift/contracts';
import type { MigrationRun } from '../../runs/run-service.js';
import { countVms } from './counts.js';
import { vmProgress } from './progress.js';

export function migrationView(run: MigrationRun): MigrationView {
  return {
    id: run.migrationId,
    planId: run.planId,
    planName: run.vms[0]?.state?.record.planName ?? '',
    status: migrationStatus(run),
    startedAt: run.startedAt,
    ...(run.completedAt === undefined ? {} : { completedAt: run.completedAt }),
    cancelRequested: run.cancelRequested,
    counts: countVms(run.vms),
    wave: run.wave,
    waves: [...run.waves],
    progressPercent: migrationProgress(run),
  };
}

/** Failed counts before canceled: it is what somebody has to look at. */
export function migrationStatus(run: MigrationRun): MigrationStatus {
  if (run.completedAt === undefined) {
    if (run.cancelRequested) return 'canceling';
    if (run.awaitsApproval) return 'awaiting-approval';
    return run.pauseRequested ? 'paused' : 'running';
  }
  const { failed, canceled } = countVms(run.vms);
  if (failed > 0) return 'failed';
  return canceled > 0 ? 'canceled' : 'succeeded';
}

export function migrationProgress({ vms }: MigrationRun): number {
  const sum = vms.reduce((total, vm) => total + vmProgress(vm), 0);
  return vms.length === 0 ? 0 : Math.floor(sum / vms.length);
}
