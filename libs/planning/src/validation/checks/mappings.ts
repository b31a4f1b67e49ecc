import type { Condition, SourceDisk, SourceNic, SourceVm } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import {
  type Named,
  doubtfulSources,
  networkPairs,
  pairOfDisk,
  pairOfNic,
  placesOf,
  storagePairs,
} from '../pairs.js';
import type { MappingFacts, PlanFacts } from '../plan-facts.js';

/** Checks that both mappings exist, are of the right kind, and are between the plan's providers. */
export function checkMappings(facts: PlanFacts): readonly Condition[] {
  const { spec } = facts;
  return [
    ...checkMapping(facts, 'network', 'NetworkMapRefNotValid', spec.networkMapping, facts.networkMapping),
    ...(spec.storageMapping === undefined
      ? []
      : checkMapping(facts, 'storage', 'StorageRefNotValid', spec.storageMapping, facts.storageMapping)),
  ];
}

function checkMapping(
  { source, target }: PlanFacts,
  kind: 'network' | 'storage',
  type: 'NetworkMapRefNotValid' | 'StorageRefNotValid',
  ref: string,
  mapping: MappingFacts | undefined,
): readonly Condition[] {
  if (mapping === undefined) return [condition(type, 'NotFound', `there is no mapping '${ref}'`, [ref])];
  const { name } = mapping.spec;
  if (mapping.spec.kind !== kind)
    return [condition(type, 'WrongKind', `'${name}' is a ${mapping.spec.kind} mapping`, [name])];
  const isBetweenOthers =
    (source !== undefined && mapping.sourceId !== source.id) ||
    (target !== undefined && mapping.targetId !== target.id);
  if (!isBetweenOthers) return [];
  const message = `'${name}' is from '${mapping.spec.source}' to '${mapping.spec.target}', but the plan is not`;
  return [condition(type, 'OtherProviders', message, [name])];
}

/** Checks that every network is mapped once, and that every NIC is on a network. */
export function checkNetworksMapped(facts: PlanFacts): readonly Condition[] {
  const pairs = networkPairs(facts.networkMapping?.spec);
  const unmapped = nicsOf(facts).filter(
    ({ nic }) => nic.network !== '' && pairOfNic(nic, pairs, facts.inventory) === undefined,
  );
  const loose = nicsOf(facts).filter(({ nic }) => nic.network === '');
  return [
    ...[...Map.groupBy(unmapped, ({ nic }) => nic.network)].map(([network, on]) => {
      const vms = [...new Set(on.map(({ vm }) => vm.name))];
      return condition(
        'VMNetworksNotMapped',
        'NotMapped',
        `network '${network}' of ${listed(vms)} is not mapped`,
        [network, ...vms],
      );
    }),
    ...loose.map(({ vm, nic }) =>
      condition('VMNicNotConnected', 'NoNetwork', `NIC '${nic.name}' of '${vm.name}' is on no network`, [
        vm.name,
      ]),
    ),
    ...checkSources('network', pairs, facts.inventory?.networks),
  ];
}

/** Checks that no two NICs of the plan share a MAC address. */
export function checkMacs(facts: PlanFacts): readonly Condition[] {
  const byMac = Map.groupBy(nicsOf(facts), ({ nic }) => nic.mac?.toLowerCase());
  return [...byMac].flatMap(([mac, nics]) => {
    if (mac === undefined || nics.length < 2) return [];
    const vms = nics.map(({ vm }) => vm.name);
    return [
      condition('MacConflicts', 'NotUnique', `${mac} is used by ${nics.length} NICs, of ${listed(vms)}`, vms),
    ];
  });
}

function nicsOf({ vms }: PlanFacts): readonly { readonly vm: SourceVm; readonly nic: SourceNic }[] {
  const once = new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const])));
  return [...once.values()].flatMap((vm) => vm.nics.map((nic) => ({ vm, nic })));
}

/** Checks that every storage is mapped once. */
export function checkStoragesMapped(facts: PlanFacts): readonly Condition[] {
  if (needsNoStorage(facts)) return [];
  const pairs = storagePairs(facts.storageMapping?.spec);
  const unmapped = disksOf(facts).filter(
    ({ disk }) => pairOfDisk(disk, pairs, facts.inventory) === undefined,
  );
  return [
    ...[...Map.groupBy(unmapped, ({ disk }) => disk.storage)].map(([storage, on]) => {
      const vms = [...new Set(on.map(({ vm }) => vm.name))];
      return condition(
        'VMStorageNotMapped',
        'NotMapped',
        `storage '${storage}' of ${listed(vms)} is not mapped`,
        [storage, ...vms],
      );
    }),
    ...checkSources('storage', pairs, facts.inventory?.storages),
  ];
}

function disksOf({ vms }: PlanFacts): readonly { readonly vm: SourceVm; readonly disk: SourceDisk }[] {
  const once = new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const])));
  return [...once.values()].flatMap((vm) => vm.disks.map((disk) => ({ vm, disk })));
}

/** Warns of adopted disks in a plan that is not `conversion`, which would ignore them. */
export function checkAdoptedDisks({ spec, vms }: PlanFacts): readonly Condition[] {
  if (spec.type === 'conversion') return [];
  const unused = vms.flatMap(({ entry, vm }) => (entry.disks === undefined ? [] : [vm?.name ?? entry.ref]));
  if (unused.length === 0) return [];
  const message = `the plan is ${spec.type}, so it ignores the \`disks\` that it names for ${listed(unused)}`;
  return [condition('BroughtDisksNotUsed', 'NotConversion', message, unused)];
}

/** Whether the plan needs no storage mapping: a `conversion` plan copies nothing. */
export const needsNoStorage = ({ spec }: Pick<PlanFacts, 'spec'>): boolean =>
  spec.type === 'conversion' && spec.storageMapping === undefined;

const kinds = {
  network: { ambiguous: 'SourceNetworkAmbiguous', notValid: 'SourceNetworkNotValid' },
  storage: { ambiguous: 'SourceStorageAmbiguous', notValid: 'SourceStorageNotValid' },
} as const;

/**
 * Checks that each source in a mapping's pairs exists, is unambiguous, and has one pair.
 *
 * @param known undefined if the source could not be read: then missing networks or storages cannot be reported
 */
export function checkSources(
  kind: keyof typeof kinds,
  pairs: readonly { readonly source: string }[],
  known: Named | undefined,
): readonly Condition[] {
  const { twice, several, unknown } = doubtfulSources(pairs, known ?? []);
  const { ambiguous, notValid } = kinds[kind];
  return [
    ...twice.map((source) =>
      condition(ambiguous, 'Ambiguous', `${kind} '${source}' has several pairs`, [source]),
    ),
    ...several.map(({ source, candidates }) => {
      const places = placesOf(candidates);
      return condition(
        ambiguous,
        'NameNotUnique',
        `the source has ${places.length} ${kind}s called '${source}': ${listed(places)}; map them by id`,
        [source, ...places],
      );
    }),
    ...(known === undefined ? [] : unknown).map((source) =>
      condition(notValid, 'NotFound', `the source has no ${kind} '${source}'`, [source]),
    ),
  ];
}
