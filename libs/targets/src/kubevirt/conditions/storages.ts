import { type Condition, conditionsOf, listed } from '@ledgerlift/contracts';
import { sharedConditionTypes } from '../../conditions/types.js';
import type { PlanAtTarget, StoragePair } from '../../plan.js';
import { claimModes, offeredModes } from '../inventory/claim-modes.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { type ClaimToMake, claimsToMake, isKnown } from './facts.js';

const condition = conditionsOf({ ...sharedConditionTypes, ...kubevirtConditionTypes });

/** The storage classes are there, offer what is asked of them, and suit the disks. Pure. */
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
    const message = `'${source}' leads to '${storageClass}', and '${targetName}' ${lack.message}`;
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
      ? { reason: 'ModesNotKnown', message: 'has no storage profile that says its access and volume mode' }
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
        `disks of ${listed(names)} are shared, and become claims that are not ReadWriteMany`,
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
