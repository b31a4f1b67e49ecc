import type { Release, Resource } from '@ledgerlift/contracts';
import { endEarlierWriter } from '@ledgerlift/disk-transfer';
import type { Attempt, StepHandler } from '@ledgerlift/worker';
import { diskPathsOf, inReleaseOrder, layoutOf, release, resolveOwned } from '@ledgerlift/targets';
import { removeSnapshot, sweepSnapshots } from './snapshots.js';

/**
 * Removes what the log says is ours to remove, and nothing else, once no writer of ours is left. What can be removed is
 * removed, also where something else cannot.
 *
 * @throws the first failure, after all was tried
 */
export const cleanup: StepHandler = async (attempt) => {
  await endWriters(attempt);
  const failures: unknown[] = [];
  const trying = async (work: () => Promise<void>): Promise<void> => {
    attempt.signal.throwIfAborted();
    await work().catch((error: unknown) => failures.push(error));
  };
  const ours = attempt.job.release.filter(({ service }) => service === 'transfer');
  for (const resource of inReleaseOrder(ours)) {
    await trying(async () => attempt.released([{ resource, how: await remove(attempt, resource) }]));
  }
  await trying(() => sweepSnapshots(attempt));
  attempt.signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return { step: 'Cleanup' };
};

/** What a file of these kinds may have beside it: its predecessor, and a draft by the name that older versions gave it. */
const BESIDE: Partial<Record<Resource['kind'], readonly string[]>> = {
  'chunk-manifest': ['.new', '.previous'],
  'writer-record': ['.new'],
};

async function remove(attempt: Attempt, resource: Resource): Promise<Release['how']> {
  const { record } = attempt.job;
  if (resource.kind === 'snapshot') return removeSnapshot(attempt, resource.name);
  for (const suffix of BESIDE[resource.kind] ?? [])
    await release(record, { ...resource, name: `${resource.name}${suffix}` });
  return release(record, resource);
}

/** A clean-up comes after every attempt that may write, so it is newer than all of them. */
async function endWriters({ job: { record } }: Attempt): Promise<void> {
  const paths = await diskPathsOf(record);
  for (const [index, { writer }] of layoutOf(record).disks.entries()) {
    await endEarlierWriter(paths[index] ?? '', await resolveOwned(record, writer), Number.MAX_SAFE_INTEGER);
  }
}
