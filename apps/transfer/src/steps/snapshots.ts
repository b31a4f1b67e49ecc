import type { Release, Resource } from '@ledgerlift/contracts';
import type { Attempt, StepHandler } from '@ledgerlift/worker';
import { snapshotName, snapshotPrefix } from '@ledgerlift/targets';
import { passOf, snapshotsOf, sourceOf } from './source.js';

/**
 * Takes the snapshot for this round, of all disks at once, or finds it. This step's result logs its change ids before
 * the previous snapshot is removed.
 */
export const snapshotCreation: StepHandler = async (attempt) => {
  const source = sourceOf(attempt);
  const name = snapshotName(attempt.job.record, passOf(attempt).round);
  await attempt.claim([{ kind: 'snapshot', name, service: 'transfer', lifetime: 'temporary' }]);
  attempt.progress([], `taking the snapshot ${name}`);
  const { spec, vm } = source;
  const { quiesce, enableChangeTracking } = attempt.job.record.settings.warm;
  const options = { quiesce, enableChangeTracking };
  const snapshot = await snapshotsOf(source).create(spec, vm, name, patienceOf(attempt), options);
  return { step: 'SnapshotCreation', snapshot };
};

/** Removes the snapshots of earlier rounds, and waits until each is gone. */
export const snapshotRemoval: StepHandler = async (attempt) => {
  const { job } = attempt;
  const { round } = passOf(attempt);
  const removed: string[] = [];
  for (const resource of job.ledger) {
    const its = resource.kind === 'snapshot' ? roundOf(attempt, resource.name) : undefined;
    if (its === undefined || its >= round) continue;
    attempt.signal.throwIfAborted();
    attempt.progress([], `removing the snapshot ${resource.name}`);
    await attempt.released([{ resource, how: await removeSnapshot(attempt, resource.name) }]);
    removed.push(resource.name);
  }
  return { step: 'SnapshotRemoval', removed };
};

/** Resolves when the snapshot is gone. @returns `absent` also if its VM is gone */
export async function removeSnapshot(attempt: Attempt, name: string): Promise<Release['how']> {
  const source = sourceOf(attempt);
  const { provider, spec, vm } = source;
  if ((await provider.currentVm(spec, vm.id)) === undefined) return 'absent';
  return snapshotsOf(source).remove(spec, vm, name, patienceOf(attempt));
}

/**
 * Removes snapshots with exactly this VM's names that are not in the ledger. A crash leaves none, because each is
 * claimed before it is taken; but a log restored from an older backup does not know the latest ones.
 */
export async function sweepSnapshots(attempt: Attempt): Promise<void> {
  const { provider, spec, vm } = sourceOf(attempt);
  const { record, ledger } = attempt.job;
  if (provider.snapshots === undefined || record.settings.type !== 'warm') return;
  if ((await provider.currentVm(spec, vm.id)) === undefined) return;
  const known = new Set(ledger.flatMap(({ kind, name }: Resource) => (kind === 'snapshot' ? [name] : [])));
  for (const name of await provider.snapshots.list(spec, vm)) {
    if (known.has(name) || roundOf(attempt, name) === undefined) continue;
    attempt.signal.throwIfAborted();
    await provider.snapshots.remove(spec, vm, name, patienceOf(attempt));
  }
}

/** The round of a snapshot that this migration took of this VM; undefined for other snapshots. */
function roundOf({ job }: Attempt, name: string): number | undefined {
  const prefix = snapshotPrefix(job.record);
  const round = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(round) ? Number(round) : undefined;
}

const patienceOf = ({ job, signal }: Attempt) => ({
  signal,
  timeLimitMs: job.record.settings.timeLimits.snapshotMs,
});
