import { type Job, resourceKey } from '@ledgerlift/contracts';
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
  if (isHandedOver(job)) await place.handOver?.();
  if (failures.length > 0) throw failures[0];
  return { step: 'Cleanup' };
};

/** The VM was let go, has not been halted since, and stays. */
function isHandedOver({ results, ledger, release }: Job): boolean {
  const going = new Set(release.map(resourceKey));
  const stays = ledger.some((each) => each.kind === 'virtual-machine' && !going.has(resourceKey(each)));
  const has = (step: Job['step']): boolean => results.some((result) => result.step === step);
  return stays && has('FinalPowerActions') && !has('TargetPowerOff');
}
