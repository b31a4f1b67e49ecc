import { type Condition, listed } from '@ledgerlift/contracts';
import type { PlanAtTarget, StoragePair } from '../../plan.js';
import { resources } from '../resources.js';
import { claimModes, offeredModes } from '../inventory/storage-facts.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import type { FreeVolume } from '../inventory/kinds.js';
import { condition } from './condition-types.js';
import { claimsToMake, type ClaimToMake, isKnown } from './facts.js';

/** Checks that the mapped storage classes exist, offer the requested modes and suit the disks. Pure. */
export function checkStoragesOfCluster(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  if (plan.spec.type === 'conversion') return [];
  const claims = claimsToMake(plan, cluster);
  return [
    ...checkClasses(plan, cluster),
    ...checkShared(claims),
    ...namedVms(
      claims.filter(({ modes }) => modes.accessMode !== 'ReadWriteMany'),
      (names) =>
        condition(
          'VMNotLiveMigratable',
          'NotReadWriteMany',
          `disks of ${listed(names)} become claims that are not ReadWriteMany`,
          names,
        ),
    ),
  ];
}

function checkClasses({ storages, targetName }: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return storages.flatMap(({ source, destination }) => {
    const { storageClass } = destination;
    const lack = lackOf(destination, cluster);
    if (lack === undefined) return [];
    const message = `'${source}' is mapped to '${storageClass}', but '${targetName}' ${lack.message}`;
    return [condition('DestinationStorageNotValid', lack.reason, message, [storageClass])];
  });
}

function lackOf(
  destination: StoragePair['destination'],
  cluster: ClusterView,
): { readonly reason: string; readonly message: string } | undefined {
  const { storageClass, accessMode, volumeMode } = destination;
  if (!isKnown(cluster, resources.storageClasses)) return undefined;
  if (!cluster.storageClasses.some(({ name }) => name === storageClass))
    return { reason: 'NotFound', message: 'has no such storage class' };
  if (!isKnown(cluster, resources.storageProfiles)) return undefined;
  const profile = cluster.storageProfiles.find(({ name }) => name === storageClass);
  const offered = offeredModes(profile);
  const modes = claimModes(destination, profile);
  if (offered.length === 0)
    return modes === undefined
      ? { reason: 'ModesNotKnown', message: 'has no storage profile with its access and volume modes' }
      : undefined;
  const offers = `offers it ${offered.map((each) => `${each.accessMode} ${each.volumeMode}`).join(', ')}`;
  const withAccess = offered.filter((each) => (accessMode ?? each.accessMode) === each.accessMode);
  if (withAccess.length === 0)
    return { reason: 'AccessModeNotOffered', message: `${offers}, not ${accessMode ?? ''}` };
  if (withAccess.some((each) => (volumeMode ?? each.volumeMode) === each.volumeMode)) return undefined;
  const asked = [accessMode, volumeMode].filter((mode) => mode !== undefined).join(' ');
  return { reason: 'VolumeModeNotOffered', message: `${offers}, not ${asked}` };
}

const checkShared = (claims: readonly ClaimToMake[]): readonly Condition[] =>
  namedVms(
    claims.filter(({ disk, modes }) => disk.shared && modes.accessMode !== 'ReadWriteMany'),
    (names) =>
      condition(
        'SharedDiskNotSharable',
        'NotReadWriteMany',
        `disks of ${listed(names)} are shared, but become claims that are not ReadWriteMany`,
        names,
      ),
  );

function namedVms(
  claims: readonly ClaimToMake[],
  raise: (names: readonly string[]) => Condition,
): readonly Condition[] {
  const names = [...new Set(claims.map(({ vm }) => vm.vm.name))];
  return names.length === 0 ? [] : [raise(names)];
}

/** https://kubernetes.io/docs/concepts/storage/storage-classes/#local: an administrator makes the volumes. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** Checks that a class without a provisioner has enough free volumes of sufficient size. Pure. */
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
      const message = `'${name}' has no provisioner, and its ${free.length} free volumes fit only ${wanted.length - without.length} of the plan's ${wanted.length} disks`;
      return [condition('TargetVolumesMissing', 'NotEnough', message, [name])];
    });
}

/** Assigns volumes to the largest claims first, because a volume that fits one also fits all later ones. */
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
