import type { Failure, Job } from '@ledgerlift/contracts';
import { type VmLive, failedStep } from '@ledgerlift/migration';
import type { RunService } from '../runs/run-service.js';

/** A job is a message: of ten thousand failed VMs the first are named, and the others counted. */
const MOST_NAMED = 20;

/** What a hook on failure is told: of what its VM failed, or which VMs of its plan did, and of what. */
export function failuresOf(state: VmLive, runs: Pick<RunService, 'migration'>): Job['failures'] {
  if (state.record.standsFor !== 'plan') {
    const failure = state.phase === 'cleaning' ? failureOf(state) : undefined;
    return failure && { count: 1, first: [failure] };
  }
  if (state.record.settings.hooks.every(({ at }) => at !== 'failure')) return undefined;
  const run = runs.migration(state.record.migrationId);
  const count = run?.phases.failed ?? 0;
  if (run === undefined || count === 0) return undefined;
  const first: Failure[] = [];
  for (const vm of run.vms) {
    const failure = vm.state?.phase === 'failed' ? failureOf(vm.state) : undefined;
    if (failure !== undefined) first.push(failure);
    if (first.length === MOST_NAMED) break;
  }
  return { count, first };
}

function failureOf(state: VmLive): Failure | undefined {
  const { index, source } = state.record;
  const failed = failedStep(state);
  return failed && { index, name: source.vm.name, ...failed };
}
