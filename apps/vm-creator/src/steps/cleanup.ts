import type { StepHandler } from '@ledgerlift/messaging';
import { inReleaseOrder, targetOf } from '@ledgerlift/targets';

/** Removes exactly what the log asks this service to remove. One that cannot be removed does not keep the others. */
export const cleanup: StepHandler = async (attempt) => {
  const { job, signal } = attempt;
  const { record } = job;
  const target = targetOf(record.target.type);
  const failures: unknown[] = [];
  for (const resource of inReleaseOrder(job.release)) {
    signal.throwIfAborted();
    if (resource.service !== 'vm-creator') continue;
    try {
      await attempt.released([{ resource, how: await target.release(record, resource) }]);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { step: 'Cleanup' };
};
