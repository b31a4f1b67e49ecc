import type { MigrationStatus, MigrationView } from '@ledgerlift/contracts';
import type { VmLive } from '@ledgerlift/migration';
import type { MigrationRun } from '../../runs/run-service.js';
import { countVms } from './counts.js';
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
    hooks: run.hooks.flatMap(({ state }) => (state === undefined ? [] : hookView(state))),
  };
}

type HookView = MigrationView['hooks'][number];

function hookView({ record, phase, attempts }: VmLive): HookView[] {
  const error = attempts.findLast((attempt) => attempt.error !== undefined)?.error;
  return record.settings.hooks.map(({ name, at }) => ({
    name,
    at,
    index: record.index,
    state: hookStates[phase],
    ...(error === undefined || phase === 'succeeded' ? {} : { error }),
  }));
}

const hookStates: Readonly<Record<VmLive['phase'], HookView['state']>> = {
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
