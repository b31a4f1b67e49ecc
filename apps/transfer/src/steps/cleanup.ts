import { endEarlierWriter } from '@ledgerlift/disk-transfer';
import type { Attempt, StepHandler } from '@ledgerlift/messaging';
import { inReleaseOrder, layoutOf, release, resolveOwned } from '@ledgerlift/targets';

/** Removes what the log says is ours to remove, and nothing else, once no writer of ours is left. */
export const cleanup: StepHandler = async (attempt) => {
  const { record, release: resources } = attempt.job;
  await endWriters(attempt);
  for (const resource of inReleaseOrder(resources.filter(({ service }) => service === 'transfer'))) {
    attempt.signal.throwIfAborted();
    await attempt.released([{ resource, how: await release(record, resource) }]);
  }
  return { step: 'Cleanup' };
};

/** A clean-up comes after every attempt that may write, so it is newer than all of them. */
async function endWriters({ job: { record } }: Attempt): Promise<void> {
  for (const disk of layoutOf(record).disks) {
    await endEarlierWriter(
      await resolveOwned(record, disk.disk),
      await resolveOwned(record, disk.writer),
      Number.MAX_SAFE_INTEGER,
    );
  }
}
