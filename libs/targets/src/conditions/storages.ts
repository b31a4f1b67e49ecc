import { type Condition, type TargetStorage, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget, StoragePair } from '../plan.js';
import { sharedConditionTypes } from './types.js';

const condition = conditionsOf(sharedConditionTypes);

/** The storages that a plan's pairs lead to are there, and offer the access and volume mode that is asked for. Pure. */
export function checkStorages(
  { storages, targetName }: PlanAtTarget,
  offered: readonly TargetStorage[],
): readonly Condition[] {
  return storages.flatMap(({ source, destination }) => {
    const { storageClass } = destination;
    const lack = lackOf(
      destination,
      offered.find(({ name }) => name === storageClass),
    );
    if (lack === undefined) return [];
    const message = `'${source}' leads to '${storageClass}', and '${targetName}' ${lack.message}`;
    return [condition('DestinationStorageNotValid', lack.reason, message, [storageClass])];
  });
}

/** What a pair asks for where a target has no better answer of its own: what every class offers, and every guest can use. */
export const modesAskedFor = ({ storageClass, accessMode, volumeMode }: StoragePair['destination']) =>
  ({
    storageClass,
    accessMode: accessMode ?? 'ReadWriteOnce',
    volumeMode: volumeMode ?? 'Filesystem',
  }) as const;

function lackOf(
  destination: StoragePair['destination'],
  offered: TargetStorage | undefined,
): { readonly reason: string; readonly message: string } | undefined {
  const { accessMode, volumeMode } = modesAskedFor(destination);
  if (offered === undefined) return { reason: 'NotFound', message: 'has no such storage' };
  if (!offered.accessModes.includes(accessMode))
    return {
      reason: 'AccessModeNotOffered',
      message: `offers it ${offered.accessModes.join(', ')}, not ${accessMode}`,
    };
  if (!offered.volumeModes.includes(volumeMode))
    return {
      reason: 'VolumeModeNotOffered',
      message: `offers it ${offered.volumeModes.join(', ')}, not ${volumeMode}`,
    };
  return undefined;
}
