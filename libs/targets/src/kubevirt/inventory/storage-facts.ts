import { AccessMode, VolumeMode } from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { StoragePair } from '../../plan.js';
import type { StorageProfile } from './kinds.js';

const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

/**
 * Parses a Kubernetes quantity: bytes of memory and storage, cores of CPUs.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 *
 * @returns undefined if it is not a quantity
 */
export function quantity(text: string): number | undefined {
  const [, digits, suffix = ''] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(\w*)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const power = BINARY.indexOf(suffix) + 1;
  const factor = power > 0 ? 1024 ** power : DECIMAL[suffix];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** Access mode and volume mode of a claim. */
export interface ClaimModes {
  readonly accessMode: z.infer<typeof AccessMode>;
  readonly volumeMode: z.infer<typeof VolumeMode>;
}

type Asked = Pick<StoragePair['destination'], 'accessMode' | 'volumeMode'>;

/** Lists the mode pairs of a storage class by its CDI profile, the preferred pair first; empty if it knows none. */
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
 * Chooses a claim's modes: those of the mapping and, for a missing one, the first that the class offers with the other. Pure.
 *
 * @param profile the class's CDI profile; undefined if there is none
 * @returns undefined if the mapping leaves a mode out and no profile offers a match
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
