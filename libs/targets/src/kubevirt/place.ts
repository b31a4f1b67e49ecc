import type { ItineraryStep, KubeVirtSettings, StepName, VmRecord } from '@ledgerlift/contracts';
import { usualItinerary } from '../itinerary.js';
import { claimName } from '../names.js';
import { type Placement, type PlanAtTarget, recordedNics, type TargetAt, type VmAtTarget } from '../plan.js';
import type { RenderedFile } from '../port.js';
import { madeFrom, manifest, type TargetVm, virtualMachine } from '../vm-model/index.js';
import { overheadOf } from './conditions/facts.js';
import { diskNameOf } from './disks/adopted.js';
import { claimObject, claimSizeOf } from './disks/claims.js';
import { claimModes } from './inventory/storage-facts.js';
import { claimsFor } from './ledger.js';
import type { KubeVirtView } from './look.js';
import { podSite } from './pod/names.js';

type RecordedDisk = VmRecord['disks'][number];

/**
 * Places a VM's disks in claims, with all settings that decide their sizes. They are recorded at the start, so that a later change
 * of a storage class or CDI does not affect a running migration. Pure.
 */
export function place(
  _target: TargetAt<KubeVirtSettings>,
  { spec }: PlanAtTarget,
  vm: VmAtTarget,
  view: KubeVirtView,
): Placement | undefined {
  const disks = spec.type === 'conversion' ? adoptedClaims(vm, view) : newClaims(vm, view);
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

/** Brought claims keep their storage class and modes. */
function adoptedClaims(vm: VmAtTarget, { cluster, adopted }: KubeVirtView): RecordedDisk[] {
  return vm.vm.disks.flatMap(({ id: diskId }) => {
    const found = adopted.get(vm.vm.id)?.disks.find((disk) => disk.diskId === diskId);
    const claim = cluster.claims.find(({ namespace, name }) => diskNameOf(namespace, name) === found?.name);
    if (found === undefined || claim === undefined) return [];
    const modes = claimModes({}, { name: claim.name, minimumBytes: undefined, claimPropertySets: [claim] });
    if (modes === undefined) return [];
    const storageClass = claim.storageClass ?? '';
    return [{ ...claimOf(vm, claim.name), diskId, storageClass, ...modes, adopted: true as const }];
  });
}

/** A claim holds only the disk's bytes, as a block device or as `disk.img`. */
const claimOf = ({ targetNamespace }: VmAtTarget, pvcName: string) =>
  ({ name: `${targetNamespace}/${pvcName}`, pvcName, format: 'raw' }) as const;

/** Steps that run in the VM's own pod, which has its disks attached. */
const IN_POD: ReadonlySet<StepName> = new Set([
  'DiskTransfer',
  'PreflightInspection',
  'TestConversion',
  'TestBoot',
  'ImageConversion',
  'ImageCommit',
  'BootProof',
]);

/**
 * Returns the usual steps, with those that read or write disks sent to the VM's pod. A boot proof comes before the VM may start,
 * because from then on only the VM may use its disks.
 *
 * @throws RecordMismatch if no site reaches both source and target
 */
export function itineraryFor(record: VmRecord, targetSites?: readonly string[]): ItineraryStep[] {
  const steps = usualItinerary(record, claimsFor(record), targetSites).map((each) =>
    IN_POD.has(each.step) ? { ...each, site: podSite(each.site, record) } : each,
  );
  const proof = steps.find(({ step }) => step === 'BootProof');
  if (proof === undefined) return steps;
  return steps.flatMap((each) => {
    if (each === proof) return [];
    return each.step === 'FinalPowerActions' ? [proof, each] : [each];
  });
}

/** Renders a VM and its claims for `kubectl apply`, exactly as a migration creates them. Pure. */
export function manifestsOf(record: VmRecord, vm: TargetVm): readonly RenderedFile[] {
  const claims = record.disks.flatMap((disk, index) => {
    // A disk that another tool brought already exists.
    if (disk.adopted === true) return [];
    const size = claimSizeOf(disk, vm.disks[index]?.bytes ?? 0);
    return [{ name: `${disk.pvcName}.pvc.yaml`, content: manifest([], claimObject(record, disk, size)) }];
  });
  return [...claims, { name: `${vm.name}.vm.yaml`, content: manifest([madeFrom(vm)], virtualMachine(vm)) }];
}
