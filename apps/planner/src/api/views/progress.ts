import type { Progress } from '@ledgerlift/contracts';
import { openAttempt, progressOf } from '@ledgerlift/migration';
import type { VmRun } from '../../runs/run-service.js';

/** Progress of the attempt that is under way; what was said of an earlier one says nothing any more. */
export function currentProgress({ state, progress }: VmRun): Progress | undefined {
  const open = state && openAttempt(state);
  if (open === undefined || progress === undefined) return undefined;
  return progress.ref.step === open.step && progress.ref.attempt === open.attempt ? progress : undefined;
}

/** Percent: completed steps ÷ steps, with the share of bytes (or whatever the worker counts) in the current one. */
export function vmProgress(run: VmRun): number {
  return run.state === undefined ? 0 : progressOf(run.state, shareOf(currentProgress(run)));
}

/** Percent that the step under way adds to those that are completed. */
export const shareUnderWay = (run: VmRun): number =>
  run.state === undefined ? 0 : vmProgress(run) - progressOf(run.state);

/** Items of one unit are added up; bytes count before percent. */
export function shareOf(progress: Progress | undefined): number {
  for (const unit of ['bytes', 'percent', 'steps'] as const) {
    const items = progress?.items.filter((item) => item.unit === unit && item.total > 0) ?? [];
    if (items.length === 0) continue;
    const done = items.reduce((sum, item) => sum + Math.min(item.done, item.total), 0);
    return done / items.reduce((sum, item) => sum + item.total, 0);
  }
  return 0;
}
