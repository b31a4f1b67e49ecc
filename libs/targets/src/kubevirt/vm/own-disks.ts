import { findClaim } from '../disks/claims.js';
import { KubernetesNotFound } from '../errors.js';
import { anewOnConflict } from '../objects.js';
import { type AtCluster, assertOurs, isOurs } from '../ownership.js';
import { resources } from '../resources.js';
import { findVm, vmNamed } from './virtual-machine.js';

/**
 * Makes the VM the owner of the claims that this migration made, so that whoever deletes the VM deletes its disks. Only when all is
 * done: until then the disks outlive the VM. Those that another tool brought are never owned.
 *
 * @throws NotOurs, KubernetesNotFound, where the VM or a claim is not there, or not ours
 */
export async function ownDisks(at: AtCluster): Promise<void> {
  const vm = await findVm(at);
  if (vm === undefined) throw new KubernetesNotFound(vmNamed(at), 'object');
  assertOurs(resources.vms, vm, at.record);
  const { name, uid } = vm.metadata;
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid };
  await changeOwners(at, (owners) => (owners.some((each) => each.uid === uid) ? owners : [...owners, owner]));
}

/** Takes the VM off the owners of its claims again, before it may be deleted without them. */
export async function disownDisks(at: AtCluster): Promise<void> {
  await changeOwners(at, (owners) =>
    owners.filter(({ kind, name }) => kind !== 'VirtualMachine' || name !== at.record.targetName),
  );
}

type Owners = NonNullable<Awaited<ReturnType<typeof findClaim>>>['metadata']['ownerReferences'];

async function changeOwners(at: AtCluster, change: (owners: Owners) => Owners): Promise<void> {
  const { connection, record, guard } = at;
  for (const { pvcName, adopted } of record.disks) {
    if (adopted === true) continue;
    await anewOnConflict(async () => {
      const claim = await findClaim(at, pvcName);
      if (claim === undefined || !isOurs(claim, record)) return;
      const { uid, resourceVersion, ownerReferences } = claim.metadata;
      const wanted = change(ownerReferences);
      if (wanted.length === ownerReferences.length) return;
      await guard.stillOurs();
      await connection.call({
        verb: 'patch',
        kind: resources.claims,
        address: { namespace: record.targetNamespace, name: pvcName },
        contentType: 'application/merge-patch+json',
        body: { metadata: { uid, resourceVersion, ownerReferences: wanted } },
        signal: guard.signal,
      });
    });
  }
}
