import type { Release, VmRecord } from '@ledgerlift/contracts';
import { z } from 'zod';
import { type ApiResource, resources } from '../resources.js';
import { KubernetesNotFound, VmNotHalted } from '../errors.js';
import { anewOnConflict, deleteObject, findObject } from '../objects.js';
import { assertOurs, type AtCluster, isOurs, ObjectMetadata } from '../ownership.js';
import { keptLogName, logsOf } from '../pod/kept-logs.js';
import { untilSeen } from '../until-seen.js';
import { runStrategyOf } from './state.js';
import { findVm, vmNamed } from './virtual-machine.js';
import { type VmWait, waitUntilStopped } from './waiting.js';

/**
 * Makes the VM the owner of the claims and logs that this migration created, so that deleting the VM deletes them. Call it only at the
 * end of the migration, because until then the disks must outlive the VM. Brought claims never get an owner.
 *
 * @throws NotOurs, KubernetesNotFound if the VM does not exist or is not ours
 */
export async function ownDisks(at: AtCluster): Promise<void> {
  const vm = await findVm(at);
  if (vm === undefined) throw new KubernetesNotFound(vmNamed(at), 'object');
  assertOurs(resources.vms, vm, at.record);
  const { name, uid } = vm.metadata;
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid };
  await changeOwners(at, (owners) => (owners.some((each) => each.uid === uid) ? owners : [...owners, owner]));
}

/** Undoes `ownDisks`, so that the VM can be deleted without its claims and logs. */
export async function disownDisks(at: AtCluster): Promise<void> {
  await changeOwners(at, (owners) =>
    owners.filter(({ kind, name }) => kind !== 'VirtualMachine' || name !== at.record.targetName),
  );
}

type Owners = ObjectMetadata['ownerReferences'];
const Owned = z.object({ metadata: ObjectMetadata });

/** Lists the objects that the VM owns, if they exist. */
const ownedBy = (record: VmRecord): readonly { readonly kind: ApiResource; readonly name: string }[] => [
  ...record.disks
    .filter(({ adopted }) => adopted !== true)
    .map(({ pvcName }) => ({ kind: resources.claims, name: pvcName })),
  ...[...logsOf(record).keys()].map((log) => ({
    kind: resources.configMaps,
    name: keptLogName(record, log),
  })),
];

async function changeOwners(at: AtCluster, change: (owners: Owners) => Owners): Promise<void> {
  const { connection, record, guard } = at;
  for (const { kind, name } of ownedBy(record)) {
    const address = { namespace: record.targetNamespace, name };
    await anewOnConflict(async () => {
      const owned = await findObject(connection, kind, address, Owned, guard.signal);
      if (owned === undefined || !isOurs(owned, record)) return;
      const { uid, resourceVersion, ownerReferences } = owned.metadata;
      const wanted = change(ownerReferences);
      if (wanted.length === ownerReferences.length) return;
      await guard.stillOurs();
      await connection.call({
        verb: 'patch',
        kind,
        address,
        contentType: 'application/merge-patch+json',
        body: { metadata: { uid, resourceVersion, ownerReferences: wanted } },
        signal: guard.signal,
      });
    });
  }
}

/**
 * Deletes the VM that this migration created, and waits until it is gone. Keeps its claims, even if it owns them.
 *
 * @returns `absent` if it was already gone, or its name now belongs to somebody else
 * @throws VmNotHalted if it is not halted, so that it runs or may start; VmNotReached if it is halted but does not end in time
 */
export async function releaseVm(
  at: AtCluster,
  wait: Pick<VmWait, 'patienceMs' | 'times'>,
): Promise<Release['how']> {
  const { connection, record, guard } = at;
  const uid = await anewOnConflict(async () => {
    const vm = await findVm(at);
    if (vm === undefined || !isOurs(vm, record)) return undefined;
    if (runStrategyOf(vm) !== 'Halted') throw new VmNotHalted(vmNamed(at));
    await waitUntilStopped(at, wait);
    if (vm.metadata.deletionTimestamp !== undefined) return vm.metadata.uid;
    // Orphan: the garbage collector removes the owner from the claims instead of deleting them.
    const how = await deleteObject(connection, resources.vms, vm.metadata, 'Orphan', guard);
    return how === 'absent' ? undefined : vm.metadata.uid;
  });
  if (uid === undefined) return 'absent';
  const { targetNamespace: namespace, targetName } = record;
  return untilSeen(
    connection,
    [{ kind: resources.vms, selection: { namespace, fieldSelector: `metadata.name=${targetName}` } }],
    async () => ((await findVm(at))?.metadata.uid === uid ? undefined : 'removed'),
    guard.signal,
    wait.times,
  );
}
