import type { VmRecord } from '@ledgerlift/contracts';
import type { RenderedFile } from '../port.js';
import { type TargetVm, madeFrom, manifest, virtualMachine } from '../vm-model/index.js';
import { claimObject, claimSizeOf } from './disks/claims.js';

/** The claims that are made for a VM, and the VM: the very objects that a migration makes, as `kubectl apply` takes them. Pure. */
export function manifestsOf(record: VmRecord, vm: TargetVm): readonly RenderedFile[] {
  const claims = record.disks.flatMap((disk, index) => {
    // What another tool brought is there already.
    if (disk.adopted === true) return [];
    const size = claimSizeOf(disk, vm.disks[index]?.bytes ?? 0);
    return [{ name: `${disk.pvcName}.pvc.yaml`, content: manifest([], claimObject(record, disk, size)) }];
  });
  return [...claims, { name: `${vm.name}.vm.yaml`, content: manifest([madeFrom(vm)], virtualMachine(vm)) }];
}
