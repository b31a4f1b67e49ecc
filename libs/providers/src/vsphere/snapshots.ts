import type { Snapshot, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { Patience, SourceSnapshots } from '../port.js';
import { changedAreas } from './changed-areas.js';
import {
  VsphereChangesNotTracked,
  VsphereSnapshotLost,
  VsphereSnapshotsHinderTracking,
  VsphereSnapshotStays,
  VsphereVmUnreadable,
} from './errors.js';
import { unescaped } from './inventory/surroundings.js';
import { sessionOf, type VsphereSession } from './session.js';
import { propertiesOf } from './soap/properties.js';
import { runTask } from './soap/tasks.js';
import type { ObjectRef, VimNode } from './soap/xml.js';
import { configuredProperties, isFault, settled, vmProperties, vmRef } from './vm.js';

/**
 * Snapshots of a vSphere VM, always without its memory. Before starting anything, waits for tasks of earlier attempts to end and
 * checks their result.
 */
export const vsphereSnapshots: SourceSnapshots = {
  enablesTracking: true,

  async create(spec, vm, name, patience, { quiesce = false, enableChangeTracking = false } = {}) {
    const session = sessionOf(spec);
    await settled(session, vm, patience);
    if (enableChangeTracking) await trackChanges(session, vm, name, patience);
    const found = (await snapshotsOf(session, vm, patience.signal)).find((each) => each.name === name);
    const first = await pointInTime(
      session,
      vm,
      found ?? (await made(session, vm, name, quiesce, patience)),
      patience.signal,
    );
    if (untracked(vm, first).length === 0) return first;
    // Tracking begins when a VM is stunned for a snapshot, but that first snapshot has no change ids yet (VMware KB 1020128).
    // So remove it and take another.
    await removeAll(session, vm, name, patience);
    const second = await pointInTime(
      session,
      vm,
      await made(session, vm, name, quiesce, patience),
      patience.signal,
    );
    const still = untracked(vm, second);
    if (still.length > 0) throw new VsphereChangesNotTracked(vm.name, still);
    return second;
  },

  async remove(spec, vm, name, patience) {
    const session = sessionOf(spec);
    await settled(session, vm, patience);
    return removeAll(session, vm, name, patience);
  },

  async list(spec, vm) {
    const signal = AbortSignal.timeout(LIST_MS);
    return (await snapshotsOf(sessionOf(spec), vm, signal)).map(({ name }) => name);
  },

  async changes(spec, vm, disk, snapshot, sinceChangeId, signal) {
    const session = sessionOf(spec);
    const { ref } = await presentSnapshot(session, vm, snapshot, signal);
    const capacityBytes =
      snapshot.disks.find(({ diskId }) => diskId === disk.id)?.capacityBytes ?? disk.capacityBytes;
    return changedAreas(session, vm, { key: keyOf(disk), capacityBytes }, ref, sinceChangeId, signal);
  },
};

const LIST_MS = 60_000;

export interface Found {
  readonly name: string;
  readonly ref: ObjectRef;
  readonly createdAt: Date;
}

/** Lists all snapshots of a VM, parents before children. @throws VsphereVmUnreadable */
export async function snapshotsOf(
  session: VsphereSession,
  vm: SourceVm,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const tree = (await configuredProperties(session, vm, ['snapshot'], signal)).get('snapshot');
  const flat = (nodes: readonly VimNode[]): readonly Found[] =>
    nodes.flatMap((node) => {
      const ref = node.refAt('snapshot');
      const createdAt = new Date(node.textAt('createTime') ?? 0);
      const here = ref === undefined ? [] : [{ name: unescaped(node.textAt('name') ?? ''), ref, createdAt }];
      return [...here, ...flat(node.list('childSnapshotList'))];
    });
  return flat(tree?.list('rootSnapshotList') ?? []);
}

/**
 * Finds a snapshot by id, never another one of the same name.
 *
 * @throws VsphereSnapshotLost
 */
export async function presentSnapshot(
  session: VsphereSession,
  vm: SourceVm,
  { name, id }: Pick<Snapshot, 'name' | 'id'>,
  signal: AbortSignal,
): Promise<Found> {
  const all = await snapshotsOf(session, vm, signal);
  const found = all.find(({ ref }) => ref.id === id);
  if (found !== undefined) return found;
  const other = all.find((each) => each.name === name);
  throw new VsphereSnapshotLost(
    vm.name,
    name,
    other === undefined ? 'is gone' : `is now ${other.ref.id} and no longer ${id}`,
  );
}

async function made(
  session: VsphereSession,
  vm: SourceVm,
  name: string,
  quiesce: boolean,
  patience: Patience,
): Promise<Found> {
  const description = 'Made by Ledgerlift for a migration, and removed by it.';
  const args = { name, description, memory: false, quiesce };
  await runTask(session, 'CreateSnapshot_Task', vmRef(vm), args, patience);
  const found = (await snapshotsOf(session, vm, patience.signal)).find((each) => each.name === name);
  if (found === undefined) throw new VsphereSnapshotLost(vm.name, name, 'is gone as soon as it was made');
  return found;
}

/** Reads the disks from the snapshot itself, because the VM's own change ids are of a later moment. */
async function pointInTime(
  session: VsphereSession,
  vm: SourceVm,
  { name, ref, createdAt }: Found,
  signal: AbortSignal,
): Promise<Snapshot> {
  const properties = await propertiesOf(session, ref, ['config.hardware.device'], signal).catch(
    (error: unknown) => {
      throw isFault(error, 'ManagedObjectNotFound')
        ? new VsphereSnapshotLost(vm.name, name, 'is gone')
        : error;
    },
  );
  const devices = properties.get('config.hardware.device')?.parts;
  if (devices === undefined) throw new VsphereVmUnreadable(vm.name, 'a VM whose snapshot cannot be read');
  const disks = devices.filter(({ kind }) => kind === 'VirtualDisk');
  return {
    name,
    id: ref.id,
    // A restored host may reuse an id, but at another time.
    momentId: `${ref.id}@${createdAt.toISOString()}`,
    createdAt: createdAt.toISOString(),
    disks: disks.map((disk) => {
      const changeId = disk.textAt('backing.changeId');
      return {
        diskId: disk.textAt('key') ?? '',
        ...(changeId === undefined || changeId === '' ? {} : { changeId }),
        capacityBytes: disk.numberAt('capacityInBytes') ?? (disk.numberAt('capacityInKB') ?? 0) * 1024,
      };
    }),
  };
}

/** Lists the names of disks without change tracking. */
function untracked(vm: SourceVm, { disks }: Snapshot): readonly string[] {
  return vm.disks.flatMap(({ id, name }) =>
    disks.some(({ diskId, changeId }) => diskId === id && changeId !== undefined) ? [] : [name],
  );
}

/** Removes every snapshot of that name, but not their children. */
async function removeAll(
  session: VsphereSession,
  vm: SourceVm,
  name: string,
  patience: Patience,
): Promise<'removed' | 'absent'> {
  const { signal } = patience;
  const ours = (await snapshotsOf(session, vm, signal)).filter((each) => each.name === name);
  for (const { ref } of ours) {
    const args = { removeChildren: false, consolidate: true };
    await runTask(session, 'RemoveSnapshot_Task', ref, args, patience).catch((error: unknown) => {
      if (!isFault(error, 'ManagedObjectNotFound')) throw error;
    });
  }
  const left = (await snapshotsOf(session, vm, signal)).some((each) => each.name === name);
  if (left) throw new VsphereSnapshotStays(vm.name, name);
  await consolidated(session, vm, patience);
  return ours.length === 0 ? 'absent' : 'removed';
}

/** A removal may leave locked files behind, which then grow until the datastore is full. */
async function consolidated(session: VsphereSession, vm: SourceVm, patience: Patience): Promise<void> {
  const properties = await vmProperties(session, vm, ['runtime.consolidationNeeded'], patience.signal);
  if (properties.get('runtime.consolidationNeeded')?.text !== 'true') return;
  await runTask(session, 'ConsolidateVMDisks_Task', vmRef(vm), {}, patience);
}

/**
 * Turns change tracking on, but never while snapshots exist: vSphere would accept it and later report too few changes ("changed block
 * tracking must be enabled before any snapshot", VMware KB 1020128). Checks for snapshots of others right before and right after,
 * because validation was long ago; removes our own, which are leftovers of an earlier attempt.
 *
 * @throws VsphereSnapshotsHinderTracking, leaving tracking as it was
 */
async function trackChanges(
  session: VsphereSession,
  vm: SourceVm,
  name: string,
  patience: Patience,
): Promise<void> {
  const path = 'config.changeTrackingEnabled';
  const properties = await configuredProperties(session, vm, [path], patience.signal);
  if (properties.get(path)?.text === 'true') return;
  const othersOf = async (): Promise<readonly string[]> =>
    (await snapshotsOf(session, vm, patience.signal)).flatMap((each) =>
      each.name === name ? [] : [each.name],
    );
  const before = await othersOf();
  if (before.length > 0) throw new VsphereSnapshotsHinderTracking(vm.name, before);
  await removeAll(session, vm, name, patience);
  const set = (changeTrackingEnabled: boolean) =>
    runTask(session, 'ReconfigVM_Task', vmRef(vm), { spec: { changeTrackingEnabled } }, patience);
  await set(true);
  const since = await othersOf();
  if (since.length === 0) return;
  await set(false);
  throw new VsphereSnapshotsHinderTracking(vm.name, since);
}

const keyOf = ({ id }: SourceDisk): number => Number(id);
