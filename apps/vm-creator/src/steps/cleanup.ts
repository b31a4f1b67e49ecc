import type { StepHandler } from '@ledgerlift/worker';
import { inReleaseOrder } from '@ledgerlift/targets';
import { endBoots } from '../boot-proof/processes.js';
import { workplaceOf } from './target.js';

/**
 * Removes exactly what the log asks this service to remove, once no QEMU of ours runs for the VM any more. One that cannot be removed does not keep the others.
 */
export const cleanup: StepHandler = async (attempt) => {
  const { job, signal } = attempt;
  await endBoots(job.record);
  await using place = await workplaceOf(attempt);
  const failures: unknown[] = [];
  for (const resource of inReleaseOrder(job.release)) {
    signal.throwIfAborted();
    if (resource.service !== 'vm-creator') continue;
    try {
      await attempt.released([{ resource, how: await place.release(resource) }]);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
  }
  await place.sweep(job.ledger);
  if (failures.length > 0) throw failures[0];
  return { step: 'Cleanup' };
};
