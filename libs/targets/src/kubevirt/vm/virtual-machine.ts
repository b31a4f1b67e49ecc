import {
  type VirtualMachineObject,
  type RunStrategy,
  type TargetVm,
  virtualMachine,
} from '../../vm-model/index.js';
import { described, resources } from '../resources.js';
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
import { withinQuota } from '../disks/claims.js';
import { Instance, Machine } from './state.js';

/** Describes the VM of a record for messages. */
export const vmNamed = ({ record }: AtCluster): string =>
  described(resources.vms, { namespace: record.targetNamespace, name: record.targetName });

/** Reads the VM. @returns undefined if there is none of that name */
export const findVm = ({ connection, record, guard }: AtCluster): Promise<Machine | undefined> =>
  findObject(connection, resources.vms, addressOf(record), Machine, guard.signal);

/** Reads the VM's instance, which has the same name. @returns undefined if the VM does not run */
export const findInstance = ({ connection, record, guard }: AtCluster): Promise<Instance | undefined> =>
  findObject(connection, resources.instances, addressOf(record), Instance, guard.signal);

const addressOf = ({
  targetNamespace: namespace,
  targetName: name,
}: AtCluster['record']): { readonly namespace: string; readonly name: string } => ({ namespace, name });

/** Whether this migration has created the VM. */
export async function isCreated(at: AtCluster): Promise<boolean> {
  const vm = await findVm(at);
  return vm !== undefined && isOurs(vm, at.record);
}

/**
 * Creates the VM, halted, or updates it to the description. Idempotent.
 *
 * @throws NotOurs if the name belongs to somebody else: nothing is touched
 * @throws ApplyConflict if somebody changed a field that we describe
 * @throws ObjectEnding, QuotaExceeded, KubernetesRefused if KubeVirt rejects the VM
 */
export async function ensureVm(at: AtCluster, vm: TargetVm): Promise<'created' | 'found'> {
  const object = virtualMachine({ ...vm, runStrategy: 'Halted' });
  const isCreatedNow = (await findVm(at)) === undefined && (await createVm(at, object)) === 'created';
  await applyVm(at, object);
  return isCreatedNow ? 'created' : 'found';
}

/**
 * Starts or halts the VM, and applies the rest of the description with it.
 *
 * @throws as `ensureVm`; KubernetesNotFound if there is no VM
 */
export const setRunStrategy = (at: AtCluster, vm: TargetVm, runStrategy: RunStrategy): Promise<void> =>
  applyVm(at, virtualMachine({ ...vm, runStrategy }));

/**
 * Takes the name with a create, because an apply cannot tell whether it creates or changes an object. Of two concurrent creates, one fails.
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

/** Applies the whole VM server-side, never by force, and only to the exact object that was checked to be ours. */
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
 * After a create, our manager owns the fields by an update, with which an apply under the same name would conflict. Turns that into
 * ownership by apply, as `kubectl apply --server-side` does (k8s.io/client-go/util/csaupgrade, UpgradeManagedFields).
 */
async function ownByApply({ connection, record, guard }: AtCluster, { metadata }: Machine): Promise<void> {
  const isCreate = (entry: (typeof metadata.managedFields)[number]): boolean =>
    entry.manager === FIELD_MANAGER && entry.operation === 'Update' && entry.subresource === '';
  if (!metadata.managedFields.some(isCreate)) return;
  // An entry by apply is newer and replaces the one by update.
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
