import type { DirectorySettings, VmRecord } from '@ledgerlift/contracts';
import type { Placement, PlanAtTarget, TargetAt, TargetView, VmAtTarget } from '../plan.js';
import { modesAskedFor } from '../conditions/storages.js';
import { claimNames } from '../name-templates.js';
import { recordedNics } from '../recorded-nics.js';
import { type VmLayout, layoutFor } from '../files/layout.js';

/** The folder of a VM, and its disks in it, or where another tool brought them. Pure. */
export function place(
  { settings }: TargetAt<DirectorySettings>,
  { spec }: PlanAtTarget,
  vm: VmAtTarget,
  { brought }: TargetView,
): Placement | undefined {
  const layout = layoutFor({
    namespace: vm.targetNamespace,
    targetName: vm.targetName,
    claims: claimNames(vm),
    format: settings.diskFormat,
  });
  const disks =
    spec.type === 'conversion'
      ? broughtDisks(vm, layout, settings, brought)
      : newDisks(vm, layout, settings.diskFormat);
  if (disks === undefined) return undefined;
  return { folder: layout.folder, nics: recordedNics(vm), disks };
}

function newDisks(
  { vm, storageOf }: VmAtTarget,
  layout: VmLayout,
  format: 'raw' | 'qcow2',
): VmRecord['disks'] | undefined {
  const disks = vm.disks.flatMap((disk, index) => {
    const [pair, at] = [storageOf[index], layout.disks[index]];
    if (pair === undefined || at === undefined) return [];
    return [
      { diskId: disk.id, name: at.disk, pvcName: at.pvcName, ...modesAskedFor(pair.destination), format },
    ];
  });
  return disks.length === vm.disks.length ? disks : undefined;
}

/** What the plan says of storage is told in the manifests; where it says nothing, the target's first storage is. */
function broughtDisks(
  { vm, storageOf }: VmAtTarget,
  layout: VmLayout,
  { storages: [first] }: DirectorySettings,
  brought: TargetView['brought'],
): VmRecord['disks'] | undefined {
  const disks = vm.disks.flatMap((disk, index) => {
    const found = brought.get(vm.id)?.disks.find(({ diskId }) => diskId === disk.id);
    const at = layout.disks[index];
    if (found === undefined || at === undefined) return [];
    const { name, format } = found;
    const modes = storageOf[index]?.destination ?? {
      storageClass: first?.name ?? 'default',
      accessMode: first?.accessModes[0] ?? 'ReadWriteOnce',
      volumeMode: first?.volumeModes[0] ?? 'Filesystem',
    };
    const { pvcName } = at;
    return [{ diskId: disk.id, name, pvcName, ...modesAskedFor(modes), format, adopted: true as const }];
  });
  return disks.length === vm.disks.length ? disks : undefined;
}
