import type { Inventory, MappingSpec, SourceDisk, SourceNic } from '@ledgerlift/contracts';

type NetworkMapping = Extract<MappingSpec, { kind: 'network' }>;
type StorageMapping = Extract<MappingSpec, { kind: 'storage' }>;
export type NetworkPair = NetworkMapping['pairs'][number];
export type StoragePair = StorageMapping['pairs'][number];

type Named = readonly { readonly id: string; readonly name: string }[];

/** A pair may name its source by id or name; so may what a VM says. */
const isSame = (one: string, other: string, known: Named): boolean =>
  one === other ||
  known.some(({ id, name }) => (id === one || name === one) && (id === other || name === other));

export const networkPairs = (mapping: MappingSpec | undefined): readonly NetworkPair[] =>
  mapping?.kind === 'network' ? mapping.pairs : [];
export const storagePairs = (mapping: MappingSpec | undefined): readonly StoragePair[] =>
  mapping?.kind === 'storage' ? mapping.pairs : [];

/** @returns undefined where the NIC's network is not mapped */
export function pairOfNic(
  nic: SourceNic,
  pairs: readonly NetworkPair[],
  inventory: Pick<Inventory, 'networks'> | undefined,
): NetworkPair | undefined {
  return pairs.find(({ source }) => isSame(source, nic.network, inventory?.networks ?? []));
}

/** @returns undefined where the disk's storage is not mapped */
export function pairOfDisk(
  disk: SourceDisk,
  pairs: readonly StoragePair[],
  inventory: Pick<Inventory, 'storages'> | undefined,
): StoragePair | undefined {
  return pairs.find(({ source }) => isSame(source, disk.storage, inventory?.storages ?? []));
}

/** Sources that several pairs name, and sources that nothing has. */
export function doubtfulSources(
  pairs: readonly { readonly source: string }[],
  known: Named,
): { readonly twice: readonly string[]; readonly unknown: readonly string[] } {
  const sources = pairs.map(({ source }) => source);
  const twice = sources.filter((source, index) =>
    sources.slice(0, index).some((other) => isSame(other, source, known)),
  );
  const unknown = sources.filter((source) => !known.some(({ id, name }) => id === source || name === source));
  return { twice: [...new Set(twice)], unknown: [...new Set(unknown)] };
}
