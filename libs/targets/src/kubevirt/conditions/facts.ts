import type { SourceDisk } from '@ledgerlift/contracts';
import { allocatedSize } from '../../files/layout.js';
import { claimName } from '../../names.js';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import type { ApiResource } from '../resources.js';
import { claimBytes } from '../disks/claims.js';
import { type ClaimModes, claimModes } from '../inventory/storage-facts.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';

/** CDI's default (containerized-data-importer, doc/cdi-config.md). */
const DEFAULT_OVERHEAD = 0.06;

/** A claim that the migration has yet to create for a disk. */
export interface ClaimToMake {
  readonly vm: VmAtTarget;
  readonly disk: SourceDisk;
  readonly name: string;
  readonly storageClass: string;
  readonly modes: ClaimModes;
  /** The size that it requests. */
  readonly bytes: number;
}

/** Lists the target namespaces of the plan's VMs; the plan's own while it has no VMs. */
export function namespacesOf({ spec, vms }: PlanAtTarget): readonly string[] {
  if (vms.length === 0) return [spec.targetNamespace];
  return [...new Set(vms.map(({ targetNamespace }) => targetNamespace))];
}

/** Lists the claims that the plan will create, except those with unknown modes. */
export function claimsToMake(plan: PlanAtTarget, cluster: ClusterView): readonly ClaimToMake[] {
  const profiles = new Map(cluster.storageProfiles.map((each) => [each.name, each]));
  const existing = new Set(cluster.claims.map(({ namespace, name }) => `${namespace}/${name}`));
  return disksToCopy(plan).flatMap(({ vm, disk, index, destination: { storageClass, ...asked } }) => {
    const name = claimName(vm, index);
    const profile = profiles.get(storageClass);
    const modes = claimModes(asked, profile);
    // Quotas already count the claims of an earlier run.
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

/** Lists the disks to be copied, with the storages that they are mapped to. */
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

/** Returns the share of a volume (0 to 1) that its file system itself takes. */
export function overheadOf(storageClass: string, { cdiConfigs: [config] }: ClusterView): number {
  return config?.overheadOf.get(storageClass) ?? config?.overhead ?? DEFAULT_OVERHEAD;
}

/** Whether the view knows all objects of a kind. It does for a kind that is not installed: there are none. */
export function isKnown({ gaps }: ClusterView, kind: ApiResource): boolean {
  return !gaps.some(
    (gap) => gap.kind === kind && (gap.knowledge.state === 'refused' || gap.knowledge.state === 'unknown'),
  );
}
