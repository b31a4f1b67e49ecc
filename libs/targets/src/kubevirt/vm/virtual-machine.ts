import {
  type VirtualMachineObject,
  type RunStrategy,
  type TargetVm,
  virtualMachine,
} from '../../vm-model/index.js';
import { described } from '../addresses.js';
import { FIELD_MANAGER } from '../connection.js';
import {
  ApplyConflict,
  KubernetesAlreadyExists,
  KubernetesConflict,
  KubernetesNotFound,
  ObjectEnding,
} from '../errors.js';
import { anewOnConflict, findObject } from '../objects.js';
import { type AtCluster, assertOurs, isOurs } from '../ownership.js';
import { withinQuota } from '../quota.js';
import { resources } from '../resources.js';
import { Instance, Machine } from './state.js';

/** How messages call the VM of a record. */
export const vmNamed = ({ record }: AtCluster): string =>
  described(resources.vms, { namespace: record.targetNamespace, name: record.targetName });

/** Reads the VM. @returns undefined where there is none of that name */
export const findVm = ({ connection, record, guard }: AtCluster): Promise<Machine | undefined> =>
  findObject(connection, resources.vms, addressOf(record), Machine, guard.signal);

/** Reads what runs of the VM: its instance has its name. @returns undefined where nothing runs */
export const findInstance = ({ connection, record, guard }: AtCluster): Promise<Instance | undefined> =>
  findObject(connection, resources.instances, addressOf(record), Instance, guard.signal);

const addressOf = ({
  targetNamespace: namespace,
  targetName: name,
}: AtCluster['record']): { readonly namespace: string; readonly name: string } => ({ namespace, name });

/** Whether there is a VM of that name, made by this migration. */
export async function isCreated(at: AtCluster): Promise<boolean> {
  const vm = await findVm(at);
  return vm !== undefined && isOurs(vm, at.record);
}

/**
 * Makes the VM, halted, or finds it and makes it as described. Done again it gives the same.
 *
 * @throws NotOurs, where the name is somebody else's: nothing is touched
 * @throws ApplyConflict, where somebody changed what we describe
 * @throws ObjectEnding, QuotaExceeded, KubernetesRefused where KubeVirt finds fault with the VM
 */
export async function ensureVm(at: AtCluster, vm: TargetVm): Promise<'created' | 'found'> {
  const object = virtualMachine({ ...vm, runStrategy: 'Halted' });
  const isCreatedNow = (await findVm(at)) === undefined && (await createVm(at, object)) === 'created';
  await applyVm(at, object);
  return isCreatedNow ? 'created' : 'found';
}

/**
 * Lets the VM start, or halts it. Everything that is described is applied with it.
 *
 * @throws as `ensureVm`; KubernetesNotFound, where there is no VM
 */
export const setRunStrategy = (at: AtCluster, vm: TargetVm, runStrategy: RunStrategy): Promise<void> =>
  applyVm(at, virtualMachine({ ...vm, runStrategy }));

/**
 * An apply cannot tell whether it makes an object or changes one, so the name is taken by a create: of two that come at once, one fails.
 */
async function createVm(at: AtCluster, body: VirtualMachineObject): Promise<'created' | 'exists'> {
  const { connection, record, guard } = at;
  const { signal } = guard;
  await guard.stillOurs();
  try {
    const address = { namespace: record.targetNamespace };
    await withinQuota(() => connection.call({ verb: 'create', kind: resources.vms, address, body, signal }));
    return 'created';
  } catch (error) {
    if (error instanceof KubernetesAlreadyExists) return 'exists';
    throw error;
  }
}

/** Server-side apply of the whole VM, never by force, to the very object that was seen to be ours. */
function applyVm(at: AtCluster, object: VirtualMachineObject): Promise<void> {
  const { connection, record, guard } = at;
  return anewOnConflict(async () => {
    const vm = await findVm(at);
    if (vm === undefined) throw new KubernetesNotFound(vmNamed(at), 'object');
    assertOurs(resources.vms, vm, record);
    const { uid, deletionTimestamp } = vm.metadata;
    if (deletionTimestamp !== undefined) throw new ObjectEnding(vmNamed(at), deletionTimestamp);
    await ownByApply(at, vm);
    await guard.stillOurs();
    try {
      await connection.call({
        verb: 'patch',
        kind: resources.vms,
        address: addressOf(record),
        contentType: 'application/apply-patch+yaml',
        body: { ...object, metadata: { ...object.metadata, uid } },
        signal: guard.signal,
      });
    } catch (error) {
      throw error instanceof KubernetesConflict ? applyConflictOf(error) : error;
    }
  });
}

/**
 * What was created belongs to our manager as of an update, which an apply under the same name would conflict with. It is made an apply's, as
 * `kubectl apply --server-side` does (k8s.io/client-go/util/csaupgrade, UpgradeManagedFields).
 */
async function ownByApply({ connection, record, guard }: AtCluster, { metadata }: Machine): Promise<void> {
  const isCreate = (entry: (typeof metadata.managedFields)[number]): boolean =>
    entry.manager === FIELD_MANAGER && entry.operation === 'Update' && entry.subresource === '';
  if (!metadata.managedFields.some(isCreate)) return;
  // An apply's own entry is newer: the other has nothing left to say.
  const hasApply = metadata.managedFields.some(
    ({ manager, operation }) => manager === FIELD_MANAGER && operation === 'Apply',
  );
  const managedFields = metadata.managedFields.flatMap((entry) =>
    isCreate(entry) ? (hasApply ? [] : [{ ...entry, operation: 'Apply' }]) : [entry],
  );
  await guard.stillOurs();
  await connection.call({
    verb: 'patch',
    kind: resources.vms,
    address: addressOf(record),
    contentType: 'application/merge-patch+json',
    body: {
      metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, managedFields },
    },
    signal: guard.signal,
  });
}

/**
 * k8s.io/apimachinery v0.34, pkg/util/managedfields/internal/conflict.go, ConflictError: `conflict with "x" using v1: .spec.a`, or
 * `conflicts with "x" using v1:` and a line `- .spec.a` for each field.
 */
function applyConflictOf(error: KubernetesConflict): Error {
  const managers = [...error.says.matchAll(/conflicts? with "([^"]+)"/g)].map(([, manager]) => manager ?? '');
  const fields = [...error.says.matchAll(/(?:^- |: )(\.\S+)/gm)].map(([, field]) => field ?? '');
  return managers.length === 0 ? error : new ApplyConflict(error.object, [...new Set(managers)], fields);
}
