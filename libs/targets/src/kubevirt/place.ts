import type { KubeVirtSettings, VmRecord } from '@ledgerlift/contracts';
import type { Placement, PlanAtTarget, TargetAt, VmAtTarget } from '../plan.js';
import { recordedNics } from '../recorded-nics.js';
import { diskNameOf } from './disks/brought.js';
import { claimName } from '../name-templates.js';
import { overheadOf } from './conditions/facts.js';
import { claimModes } from './inventory/claim-modes.js';
import type { KubeVirtView } from './look.js';

type RecordedDisk = VmRecord['disks'][number];

/**
 * The claims of a VM's disks, with all that decides their sizes: recorded at the start, so that a class or CDI that is
 * configured anew while a migration runs changes nothing that was begun. Pure.
 */
export function place(
  _target: TargetAt<KubeVirtSettings>,
  { spec }: PlanAtTarget,
  vm: VmAtTarget,
  view: KubeVirtView,
): Placement | undefined {
  const disks = spec.type === 'conversion' ? broughtClaims(vm, view) : newClaims(vm, view);
  if (disks.length < vm.vm.disks.length) return undefined;
  return { folder: `${vm.targetNamespace}/${vm.targetName}`, nics: recordedNics(vm), disks };
}

function newClaims(vm: VmAtTarget, { cluster }: KubeVirtView): RecordedDisk[] {
  return vm.vm.disks.flatMap(({ id: diskId }, index) => {
    const destination = vm.storageOf[index]?.destination;
    if (destination === undefined) return [];
    const { storageClass } = destination;
    const profile = cluster.storageProfiles.find(({ name }) => name === storageClass);
    const modes = claimModes(destination, profile);
    if (modes === undefined) return [];
    const pvcName = claimName(vm, index);
    const sizing = {
      overhead: overheadOf(storageClass, cluster),
      minimumBytes: Math.ceil(profile?.minimumBytes ?? 0),
    };
    return [{ ...claimOf(vm, pvcName), diskId, storageClass, ...modes, sizing }];
  });
}

/** What another tool brought keeps the class and the modes that it has. */
function broughtClaims(vm: VmAtTarget, { cluster, brought }: KubeVirtView): RecordedDisk[] {
  return vm.vm.disks.flatMap(({ id: diskId }) => {
    const found = brought.get(vm.vm.id)?.disks.find((disk) => disk.diskId === diskId);
    const claim = cluster.claims.find(({ namespace, name }) => diskNameOf(namespace, name) === found?.name);
    if (found === undefined || claim === undefined) return [];
    const modes = claimModes({}, { name: claim.name, minimumBytes: undefined, claimPropertySets: [claim] });
    if (modes === undefined) return [];
    const storageClass = claim.storageClass ?? '';
    return [{ ...claimOf(vm, claim.name), diskId, storageClass, ...modes, adopted: true as const }];
  });
}

/** A claim holds nothing but the disk's bytes: as a block device, or as `disk.img`. */
const claimOf = ({ targetNamespace }: VmAtTarget, pvcName: string) =>
  ({ name: `${targetNamespace}/${pvcName}`, pvcName, format: 'raw' }) as const;
