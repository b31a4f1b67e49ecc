import type { Snapshot, SourceVm } from '@ledgerlift/contracts';
import type { Patience, SourceSnapshots } from '@ledgerlift/providers';
import { Changes, type LabSnapshot, type LabTask } from './answers.js';
import { LabClient, isRefusal, snapshotPath, vmPath } from './client.js';
import { LabSnapshotLost, LabTaskFailed } from './errors.js';
import { finished, settled, until } from './waiting.js';

/** Snapshots of a lab's VM. Nothing is begun before what earlier attempts began has ended and was looked at. */
export const labSnapshots: SourceSnapshots = {
  async create(spec, vm, name, patience) {
    const lab = await LabClient.of(spec, patience.signal);
    await settled(lab, vm.id, patience);
    const found = await lab.snapshot(vm.id, name);
    if (found !== undefined && !found.broken) return pointInTime(found);
    // One that was lost with its host holds nothing that could be gone on from.
    if (found !== undefined) await removed(lab, vm.id, name, patience);
    const request = { method: 'POST', path: `${vmPath(vm.id)}/snapshots`, body: { name } } as const;
    await through('name-taken', () => lab.begin(request), lab, vm.id, patience);
    return pointInTime(await until(`the snapshot '${name}'`, patience, () => lab.snapshot(vm.id, name)));
  },

  async remove(spec, vm, name, patience) {
    const lab = await LabClient.of(spec, patience.signal);
    await settled(lab, vm.id, patience);
    if ((await lab.snapshot(vm.id, name)) === undefined) return 'absent';
    await removed(lab, vm.id, name, patience);
    return 'removed';
  },

  async list(spec, vm) {
    const lab = await LabClient.of(spec);
    return (await lab.vm(vm.id)).snapshots.map(({ name }) => name);
  },

  async changes(spec, vm, disk, snapshot, sinceChangeId, signal) {
    const lab = await LabClient.of(spec, signal);
    await presentSnapshot(lab, vm, snapshot);
    const query = `since=${encodeURIComponent(sinceChangeId)}`;
    const path = `${snapshotPath(vm.id, snapshot.name)}/disks/${encodeURIComponent(disk.id)}/changes?${query}`;
    try {
      const { extents } = await lab.ask({ method: 'GET', path }, Changes);
      return extents.map(([offset, length]) => ({ offset, length }));
    } catch (error) {
      if (isRefusal(error, 'change-id-void')) return undefined;
      if (isRefusal(error, 'no-such-snapshot') || isRefusal(error, 'snapshot-broken'))
        throw new LabSnapshotLost(vm.id, snapshot.name, 'is gone');
      throw error;
    }
  },
};

/**
 * The snapshot that is meant, and not another one of its name.
 *
 * @throws LabSnapshotLost
 */
export async function presentSnapshot(
  lab: LabClient,
  vm: SourceVm,
  { name, id }: Snapshot,
): Promise<LabSnapshot> {
  const found = await lab.snapshot(vm.id, name);
  if (found === undefined) throw new LabSnapshotLost(vm.id, name, 'is gone');
  if (found.id !== id) throw new LabSnapshotLost(vm.id, name, `is now ${found.id} and no longer ${id}`);
  if (found.broken) throw new LabSnapshotLost(vm.id, name, 'was lost with its host');
  return found;
}

const pointInTime = ({ id, name, createdAt, disks }: LabSnapshot): Snapshot => ({
  id,
  name,
  createdAt,
  momentId: id,
  disks: disks.map(({ id: diskId, changeId }) => ({
    diskId,
    ...(changeId === undefined ? {} : { changeId }),
  })),
});

async function removed(lab: LabClient, vmId: string, name: string, patience: Patience): Promise<void> {
  const request = { method: 'DELETE', path: snapshotPath(vmId, name) } as const;
  await through('no-such-snapshot', () => lab.begin(request), lab, vmId, patience);
  await until(`the removal of '${name}'`, patience, async () =>
    (await lab.snapshot(vmId, name)) === undefined ? true : undefined,
  );
}

/** Begins a task and sees it through. Refused for the reason given means that another attempt was quicker. */
async function through(
  alreadySo: string,
  begin: () => Promise<LabTask>,
  lab: LabClient,
  vmId: string,
  patience: Patience,
): Promise<void> {
  try {
    await finished(lab, vmId, await begin(), patience);
  } catch (error) {
    const quicker =
      isRefusal(error, alreadySo) || (error instanceof LabTaskFailed && error.reason === alreadySo);
    if (!quicker) throw error;
  }
}
