import type { SourceDisk } from '@ledgerlift/contracts';
import { allocatedSize } from '../../disk-size.js';
import { claimName } from '../../name-templates.js';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import type { ApiResource } from '../addresses.js';
import { claimBytes } from '../disks/claim-size.js';
import { type ClaimModes, claimModes } from '../inventory/claim-modes.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';

/** What CDI reckons with where nothing is configured (containerized-data-importer, doc/cdi-config.md). */
const DEFAULT_OVERHEAD = 0.06;

/** A claim that is not there yet, and is made for a disk. */
export interface ClaimToMake {
  readonly vm: VmAtTarget;
  readonly disk: SourceDisk;
  readonly name: string;
  readonly storageClass: string;
  readonly modes: ClaimModes;
  /** What it requests. */
  readonly bytes: number;
}

/** The namespaces that the plan's VMs come to; that of the plan where it has no VMs yet. */
export function namespacesOf({ spec, vms }: PlanAtTarget): readonly string[] {
  if (vms.length === 0) return [spec.targetNamespace];
  return [...new Set(vms.map(({ targetNamespace }) => targetNamespace))];
}

/** The claims that the plan makes; those of pairs whose modes are not known are left out. */
export function claimsToMake(plan: PlanAtTarget, cluster: ClusterView): readonly ClaimToMake[] {
  const profiles = new Map(cluster.storageProfiles.map((each) => [each.name, each]));
  const existing = new Set(cluster.claims.map(({ namespace, name }) => `${namespace}/${name}`));
  return disksToCopy(plan).flatMap(({ vm, disk, index, destination: { storageClass, ...asked } }) => {
    const name = claimName(vm, index);
    const profile = profiles.get(storageClass);
    const modes = claimModes(asked, profile);
    // What an earlier try has made is counted by quotas already.
    const isThere = vm.isRetried && existing.has(`${vm.targetNamespace}/${name}`);
    if (modes === undefined || isThere) return [];
    const bytes = claimBytes(allocatedSize(Math.max(disk.capacityBytes, 0)), {
      volumeMode: modes.volumeMode,
      overhead: overheadOf(storageClass, cluster),
      minimumBytes: profile?.minimumBytes ?? 0,
    });
    return [{ vm, disk, name, storageClass, modes, bytes }];
  });
}

/** The disks that come to the target, and where their pairs lead. */
export function disksToCopy({ spec, vms }: PlanAtTarget) {
  if (spec.type === 'conversion') return [];
  return vms
    .filter(({ isCopied }) => !isCopied)
    .flatMap((vm) =>
      vm.vm.disks.flatMap((disk, index) => {
        const destination = vm.storageOf[index]?.destination;
        return destination === undefined ? [] : [{ vm, disk, index, destination }];
      }),
    );
}

/** Part of a volume of the class that its file system takes. */
export function overheadOf(storageClass: string, { cdiConfigs: [config] }: ClusterView): number {
  return config?.overheadOf.get(storageClass) ?? config?.overhead ?? DEFAULT_OVERHEAD;
}

/**
 * Whether the view has the objects of a kind of the cluster: those of a kind that is not installed are known, too, to be none.
 */
export function isKnown({ gaps }: ClusterView, kind: ApiResource): boolean {
  return !gaps.some(
    (gap) => gap.kind === kind && (gap.knowledge.state === 'refused' || gap.knowledge.state === 'unknown'),
  );
}
