import { join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { layoutOf } from '../files/layout.js';
import type { RenderedFile } from '../port.js';
import { type TargetVm, libvirtDomain, pvcManifest, virtualMachineManifest } from '../vm-model/index.js';
import { rootOf } from './folder.js';

/** Each claim, the VM and its libvirt domain; names relative to the target's root. Pure. @param disks absolute paths */
export function manifestsOf(
  record: VmRecord,
  vm: TargetVm,
  disks: readonly string[] = record.disks.map(({ name }) => join(rootOf(record), name)),
): readonly RenderedFile[] {
  const { manifests, disks: names } = layoutOf(record);
  const claims = names.flatMap(({ pvcManifest: name }, index) => {
    const disk = vm.disks[index];
    return disk === undefined ? [] : [{ name, content: pvcManifest(vm, disk) }];
  });
  return [
    ...claims,
    { name: manifests.virtualMachine, content: virtualMachineManifest(vm) },
    // A domain starts only when somebody starts it, for libvirt keeps autostart outside of it.
    { name: manifests.domain, content: libvirtDomain(vm, disks) },
  ];
}
