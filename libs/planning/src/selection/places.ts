import type { Inventory, SourceVm } from '@ledgerlift/contracts';

export type PlaceKind = 'datacenter' | 'cluster' | 'host' | 'folder' | 'storage' | 'network';
/** The parts of an inventory that say where VMs are. */
export type KnownPlaces = Pick<
  Inventory,
  'networks' | 'storages' | 'hosts' | 'datacenters' | 'clusters' | 'folders'
>;

interface Place {
  readonly id: string;
  readonly name: string;
  readonly path?: string | undefined;
}

/** A name or path that matches several places. */
export interface UnclearPlace {
  readonly kind: PlaceKind;
  readonly said: string;
  readonly candidates: readonly Place[];
}

/** Outer kinds first, because they distinguish the places inside them. */
const KINDS: readonly PlaceKind[] = ['datacenter', 'cluster', 'host', 'folder', 'storage', 'network'];

/**
 * Resolves places given by id, name or path.
 *
 * @returns whether a VM is in all of them; and names that match several places, which no VM counts as being in
 */
export function placesMeant(
  asked: Readonly<Partial<Record<PlaceKind, string | undefined>>>,
  known: KnownPlaces,
): { readonly holds: (vm: SourceVm) => boolean; readonly unclear: readonly UnclearPlace[] } {
  const unclear: UnclearPlace[] = [];
  const tests: ((vm: SourceVm) => boolean)[] = [];
  const meant: Partial<Record<PlaceKind, Place>> = {};
  for (const kind of KINDS) {
    const said = asked[kind];
    if (said === undefined) continue;
    if (kind === 'folder' && said === '/') {
      tests.push(({ folder }) => folder !== undefined);
      continue;
    }
    const wanted = kind === 'folder' ? withoutEnd(said) : said;
    const places: readonly Place[] = known[`${kind}s`] ?? [];
    const named = places.filter(({ id, name, path }) => [id, name, path].includes(wanted));
    // Folders of hosts, storages and networks are separate from those of VMs: only a datacenter contains all of them.
    const around = [meant.datacenter, kind === 'host' ? meant.cluster : undefined];
    const fitting =
      named.length < 2 ? named : named.filter((each) => around.every((outer) => lies(each, outer)));
    const [place] = fitting;
    if (fitting.length > 1) unclear.push({ kind, said, candidates: fitting });
    if (fitting.length > 1) tests.push(() => false);
    else tests.push((vm) => isIn(vm, kind, place, wanted));
    if (place !== undefined && fitting.length === 1) meant[kind] = place;
  }
  return { holds: (vm) => tests.every((test) => test(vm)), unclear };
}

const lies = ({ path }: Place, outer: Place | undefined): boolean =>
  outer?.path === undefined || path === undefined || path.startsWith(`${outer.path}/`);

/** @param place undefined if the source lists none: then VMs are compared with the given text */
function isIn(vm: SourceVm, kind: PlaceKind, place: Place | undefined, said: string): boolean {
  if (kind === 'folder') {
    const { folder, folderIds } = vm;
    if (folderIds?.includes(place?.id ?? said) === true) return true;
    // The VM was recorded before folders had ids.
    return (place === undefined || folderIds === undefined) && isBelow(folder, place?.name ?? said);
  }
  return whereIs(vm, kind).some(({ id, name }) => {
    if (place === undefined) return id === said || name === said;
    return id === undefined ? name === place.name || name === place.id : id === place.id;
  });
}

interface Whereabouts {
  readonly id: string | undefined;
  readonly name: string | undefined;
}

function whereIs(vm: SourceVm, kind: Exclude<PlaceKind, 'folder'>): readonly Whereabouts[] {
  switch (kind) {
    case 'datacenter':
      return [{ id: vm.datacenterId, name: vm.datacenter }];
    case 'cluster':
      return [{ id: vm.clusterId, name: vm.cluster }];
    case 'host':
      return [{ id: vm.hostId, name: vm.host }];
    case 'storage':
      return vm.disks.map(({ storageId, storage }) => ({ id: storageId, name: storage }));
    case 'network':
      return vm.nics.map(({ networkId, network }) => ({ id: networkId, name: network }));
  }
}

function isBelow(folder: string | undefined, wanted: string): boolean {
  if (folder === undefined) return false;
  const [own, top] = [withoutEnd(folder), withoutEnd(wanted)];
  return own === top || own.startsWith(`${top}/`);
}

const withoutEnd = (path: string): string => path.replace(/\/+$/, '');

/** In words, such as `cluster 'prod' means /DC0/host/prod (domain-c1) and /DC1/host/prod (domain-c2)`. */
export const unclearWords = ({ kind, said, candidates }: UnclearPlace): string =>
  `${kind} '${said}' means ${candidates.map(({ id, name, path }) => `${path ?? name} (${id})`).join(' and ')}`;
