import { type Condition, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import type { FreeVolume } from '../inventory/kinds.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { type ClaimToMake, claimsToMake, isKnown } from './facts.js';

const condition = conditionsOf(kubevirtConditionTypes);

/** https://kubernetes.io/docs/concepts/storage/storage-classes/#local: an administrator makes the volumes. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** A class that makes no volumes has enough free ones that fit. Pure. */
export function checkVolumes(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  if (!isKnown(cluster, resources.volumes)) return [];
  const claims = Map.groupBy(claimsToMake(plan, cluster), ({ storageClass }) => storageClass);
  return cluster.storageClasses
    .filter(({ provisioner }) => provisioner === NO_PROVISIONER)
    .flatMap(({ name }) => {
      const wanted = claims.get(name) ?? [];
      const free = cluster.freeVolumes.filter(({ storageClass }) => storageClass === name);
      const without = withoutVolume(wanted, free);
      if (without.length === 0) return [];
      const message = `'${name}' makes no volumes, and of its ${free.length} free ones ${wanted.length - without.length} fit the ${wanted.length} disks of the plan`;
      return [condition('TargetVolumesMissing', 'NotEnough', message, [name])];
    });
}

/** The largest claims choose first: what fits one of them would fit all that come after it. */
function withoutVolume(
  claims: readonly ClaimToMake[],
  volumes: readonly FreeVolume[],
): readonly ClaimToMake[] {
  const left = [...volumes];
  return claims
    .toSorted((one, other) => other.bytes - one.bytes)
    .filter(({ bytes, modes }) => {
      const fitting = left.findIndex(
        (each) =>
          each.bytes >= bytes &&
          each.volumeMode === modes.volumeMode &&
          each.accessModes.includes(modes.accessMode),
      );
      if (fitting >= 0) left.splice(fitting, 1);
      return fitting < 0;
    });
}
