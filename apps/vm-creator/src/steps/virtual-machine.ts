import type { VmRecord } from '@ledgerlift/contracts';
import {
  layoutOf,
  openSubfolderOf,
  type TargetVm,
  virtualMachineManifest,
  writeFileAtomic,
} from '@ledgerlift/targets';

/**
 * The `VirtualMachine` manifest: what the VM does once it is applied is in its `runStrategy`.
 * @throws NotOurs, TargetUnusable, UnsafePath
 */
export async function writeVirtualMachine(record: VmRecord, vm: TargetVm): Promise<void> {
  const path = await openSubfolderOf(record, layoutOf(record).manifests.virtualMachine);
  await writeFileAtomic(path, virtualMachineManifest(vm));
}
