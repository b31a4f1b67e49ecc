import { AccessMode, VolumeMode } from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { StoragePair } from '../../plan.js';
import type { StorageProfile } from './kinds.js';

/** How the claim of a disk is made. */
export interface ClaimModes {
  readonly accessMode: z.infer<typeof AccessMode>;
  readonly volumeMode: z.infer<typeof VolumeMode>;
}

type Asked = Pick<StoragePair['destination'], 'accessMode' | 'volumeMode'>;

/** Every pair of modes that CDI knows the class to offer, the one that it prefers first. Empty: it knows none. */
export function offeredModes(profile: StorageProfile | undefined): readonly ClaimModes[] {
  return (profile?.claimPropertySets ?? []).flatMap((set) =>
    set.accessModes.flatMap((each) => {
      const [accessMode, volumeMode] = [AccessMode.safeParse(each), VolumeMode.safeParse(set.volumeMode)];
      return accessMode.success && volumeMode.success
        ? [{ accessMode: accessMode.data, volumeMode: volumeMode.data }]
        : [];
    }),
  );
}

/**
 * The modes of a claim: as the pair asks, and where it leaves one out, the first that the class offers with the other. Pure.
 *
 * @param profile CDI's of the class; undefined: there is none
 * @returns undefined where the pair leaves one out, and no profile says any that would fit
 */
export function claimModes(asked: Asked, profile: StorageProfile | undefined): ClaimModes | undefined {
  const { accessMode, volumeMode } = asked;
  if (accessMode !== undefined && volumeMode !== undefined) return { accessMode, volumeMode };
  return offeredModes(profile).find(
    (each) =>
      (accessMode ?? each.accessMode) === each.accessMode &&
      (volumeMode ?? each.volumeMode) === each.volumeMode,
  );
}
