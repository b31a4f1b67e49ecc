import type { Release } from '@ledgerlift/contracts';
import { VmNotHalted } from '../errors.js';
import { anewOnConflict, deleteObject } from '../objects.js';
import { type AtCluster, isOurs } from '../ownership.js';
import { resources } from '../resources.js';
import { untilSeen } from '../until-seen.js';
import { runStrategyOf } from './state.js';
import { findVm, vmNamed } from './virtual-machine.js';
import { type VmWait, waitUntilStopped } from './waiting.js';

/**
 * Deletes the VM that this migration made, and waits until it is gone. Its claims stay, whether it owns them or not.
 *
 * @returns `absent` when it was gone before, or what stands there now is not ours
 * @throws VmNotHalted, where it runs, or may start, for nobody halted it; VmNotReached, where it was halted and does not end in time
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
    // Orphan: the garbage collector takes the owner's name off the claims, instead of taking them with it.
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
