import type { Release, Resource } from '@ledgerlift/contracts';
import type { Attempt, StepHandler } from '@ledgerlift/worker';
import { type Workplace, inReleaseOrder } from '@ledgerlift/targets';
import { removeSnapshot, sweepSnapshots } from './snapshots.js';
import { workplaceOf } from './source.js';

/**
 * Removes exactly the resources that the log releases, after all our writers have ended. Continues after a failure, so
 * that one resource does not keep the others.
 *
 * @throws the first failure, after attemptTo every resource
 */
export const cleanup: StepHandler = async (attempt) => {
  await using place = await workplaceOf(attempt);
  await place.disks.endWriters();
  const failures: unknown[] = [];
  const attemptTo = async (work: () => Promise<void>): Promise<void> => {
    attempt.signal.throwIfAborted();
    await work().catch((error: unknown) => failures.push(error));
  };
  const ours = attempt.job.release.filter(({ service }) => service === 'transfer');
  for (const resource of inReleaseOrder(ours)) {
    await attemptTo(async () =>
      attempt.released([{ resource, how: await remove(attempt, place, resource) }]),
    );
  }
  await attemptTo(() => sweepSnapshots(attempt));
  attempt.signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return { step: 'Cleanup' };
};

const remove = (attempt: Attempt, place: Workplace, resource: Resource): Promise<Release['how']> =>
  resource.kind === 'snapshot' ? removeSnapshot(attempt, resource.name) : place.release(resource);
