import type { StepHandler } from '@ledgerlift/worker';
import { inReleaseOrder, sweepDrafts, targetOf } from '@ledgerlift/targets';
import { endBoots } from '../boot-proof/processes.js';

/**
 * Removes exactly what the log asks this service to remove, once no QEMU of ours runs for the VM any more. One that cannot be removed does not keep the others.
 */
export const cleanup: StepHandler = async (attempt) => {
  const { job, signal } = attempt;
  const { record } = job;
  await endBoots(record);
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
  await sweepDrafts(
    record,
    job.ledger.filter(({ service }) => service === 'vm-creator'),
  );
  if (failures.length > 0) throw failures[0];
  return { step: 'Cleanup' };
};
