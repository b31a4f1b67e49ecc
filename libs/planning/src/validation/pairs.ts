import type { Inventory, MappingSpec, SourceDisk, SourceNic } from '@ledgerlift/contracts';

type NetworkMapping = Extract<MappingSpec, { kind: 'network' }>;
type StorageMapping = Extract<MappingSpec, { kind: 'storage' }>;
export type NetworkPair = NetworkMapping['pairs'][number];
export type StoragePair = StorageMapping['pairs'][number];

interface NamedSource {
  readonly id: string;
  readonly name: string;
  readonly path?: string | undefined;
}
export type Named = readonly NamedSource[];

/** The network or storage with that id, else those with that name. */
export function calledSo(said: string, known: Named): Named {
  const ofId = known.filter(({ id }) => id === said);
  return ofId.length > 0 ? ofId : known.filter(({ name }) => name === said);
}

/**
 * Whether a pair's source is the one of a NIC or disk. The id decides if the source has ids, because names may repeat.
 */
function isOn(said: string, { name, id }: { name: string; id: string | undefined }, known: Named): boolean {
  if (id !== undefined && known.some((each) => each.id === id))
    return calledSo(said, known).some((each) => each.id === id);
  return said === name || overlap(calledSo(said, known), calledSo(name, known));
}

const overlap = (some: Named, others: Named): boolean =>
  some.some(({ id }) => others.some((other) => other.id === id));

/** Finds the pair. One that matches by id wins over one that matches by name. */
function pairOn<P extends { readonly source: string }>(
  pairs: readonly P[],
  on: { readonly name: string; readonly id: string | undefined },
  known: Named,
): P | undefined {
  return (
    pairs.find(({ source }) => on.id !== undefined && source === on.id) ??
    pairs.find(({ source }) => isOn(source, on, known))
  );
}

export const networkPairs = (mapping: MappingSpec | undefined): readonly NetworkPair[] =>
  mapping?.kind === 'network' ? mapping.pairs : [];
export const storagePairs = (mapping: MappingSpec | undefined): readonly StoragePair[] =>
  mapping?.kind === 'storage' ? mapping.pairs : [];

/** @returns undefined if the NIC's network is not mapped */
export function pairOfNic(
  nic: SourceNic,
  pairs: readonly NetworkPair[],
  inventory: Pick<Inventory, 'networks'> | undefined,
): NetworkPair | undefined {
  return pairOn(pairs, { name: nic.network, id: nic.networkId }, inventory?.networks ?? []);
}

/** @returns undefined if the disk's storage is not mapped */
export function pairOfDisk(
  disk: SourceDisk,
  pairs: readonly StoragePair[],
  inventory: Pick<Inventory, 'storages'> | undefined,
): StoragePair | undefined {
  return pairOn(pairs, { name: disk.storage, id: disk.storageId }, inventory?.storages ?? []);
}

/** Finds sources with several pairs, names of several sources, and sources that do not exist. */
export function doubtfulSources(
  pairs: readonly { readonly source: string }[],
  known: Named,
): {
  readonly twice: readonly string[];
  readonly several: readonly { readonly source: string; readonly candidates: Named }[];
  readonly unknown: readonly string[];
} {
  const sources = pairs.map(({ source }) => source);
  const twice = sources.filter((source, index) =>
    sources
      .slice(0, index)
      .some((other) => other === source || overlap(calledSo(other, known), calledSo(source, known))),
  );
  const several = [...new Set(sources)].flatMap((source) => {
    const candidates = calledSo(source, known);
    return candidates.length > 1 ? [{ source, candidates }] : [];
  });
  const unknown = sources.filter((source) => calledSo(source, known).length === 0);
  return { twice: [...new Set(twice)], several, unknown: [...new Set(unknown)] };
}

/** Such as `/DC0/network/lan (network-7)`. */
export const placesOf = (candidates: Named): string[] =>
  candidates.map(({ id, name, path }) => `${path ?? name} (${id})`);
