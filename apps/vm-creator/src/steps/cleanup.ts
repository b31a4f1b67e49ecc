import { type Job, resourceKey } from '@ledgerlift/contracts';
import type { StepHandler } from '@ledgerlift/worker';
import { inReleaseOrder } from '@ledgerlift/targets';
import { endBoots } from '../boot-proof/host.js';
import { workplaceOf } from './target-power.js';

/**
 * Removes exactly the resources that the log releases to this service, after our QEMU for the VM has ended. Continues
 * after a failure, so that one resource does not keep the others.
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

/** The VM was allowed to start, has not been halted since, and is kept. */
function isHandedOver({ results, ledger, release }: Job): boolean {
  const going = new Set(release.map(resourceKey));
  const stays = ledger.some((each) => each.kind === 'virtual-machine' && !going.has(resourceKey(each)));
  const has = (step: Job['step']): boolean => results.some((result) => result.step === step);
  return stays && has('FinalPowerActions') && !has('TargetPowerOff');
}
