import type { ProgressEntry } from '@ledgerlift/contracts';
import { isTerminal } from '@ledgerlift/migration';
import type { RunService } from '../../runs/run-service.js';
import { vmOfStream } from '../../runs/stream-names.js';
import { currentProgress } from './progress.js';
import { vmSummary } from './vm.js';

/** What the bucket of progress holds of a VM; undefined: it has not begun, or is at its end. */
export function progressEntry(runs: RunService, stream: string, now: Date): ProgressEntry | undefined {
  const of = vmOfStream(stream);
  const run = of && runs.migration(of.migrationId)?.vm(of.vm);
  if (run?.state === undefined || run.state.phase === 'planned' || isTerminal(run.state)) return undefined;
  const { migrationId, index, name, state, step, progressPercent } = vmSummary(run);
  const progress = currentProgress(run);
  return {
    migrationId,
    index,
    planId: run.state.record.planId,
    name,
    state,
    ...(step === undefined ? {} : { step }),
    progressPercent,
    items: progress?.items ?? [],
    message: progress?.message ?? '',
    at: now.toISOString(),
  };
}
