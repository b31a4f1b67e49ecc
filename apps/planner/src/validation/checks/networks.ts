import type { Condition, SourceNic, SourceVm, TargetNetwork } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import { type NetworkPair, networkPairs, pairOfNic } from '../pairs.js';
import type { PlanFacts } from '../plan-facts.js';
import { checkSources } from './sources.js';

/** Every network is mapped, once; and every NIC that is on one. */
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

/** The target's networks exist, and allow the NICs that come to them. */
export function checkTargetNetworks(facts: PlanFacts): readonly Condition[] {
  const { target, spec } = facts;
  if (target?.spec.type !== 'directory') return [];
  const offered = target.spec.settings.networks;
  const pairs = networkPairs(facts.networkMapping?.spec);
  const missing = pairs.filter(
    ({ destination }) =>
      destination.type !== 'ignored' && networkOf(destination, offered, spec.targetNamespace) === undefined,
  );
  const refused = nicsOf(facts).flatMap(({ vm, nic }) => {
    const pair = pairOfNic(nic, pairs, facts.inventory);
    const network = pair && networkOf(pair.destination, offered, spec.targetNamespace);
    return network === undefined || network.nicKinds.includes(nic.kind) ? [] : [{ vm, nic, network }];
  });
  return [
    ...missing.map(({ source, destination }) => {
      const name = nameOf(destination, spec.targetNamespace);
      return condition(
        'DestinationNetworkNotValid',
        'NotFound',
        `'${source}' leads to ${name}, which '${target.spec.name}' does not have`,
        [name],
      );
    }),
    ...refused.map(({ vm, nic, network }) => {
      const message = `'${network.name}' takes ${network.nicKinds.join(', ')}, and NIC '${nic.name}' of '${vm.name}' is ${nic.kind}`;
      return condition('VMNicKindNotSupported', 'KindNotAllowed', message, [vm.name]);
    }),
  ];
}

/** KubeVirt connects at most one NIC of a VM to the pod network. */
export function checkPodNetwork(facts: PlanFacts): readonly Condition[] {
  const pairs = networkPairs(facts.networkMapping?.spec);
  return [...Map.groupBy(nicsOf(facts), ({ vm }) => vm)].flatMap(([vm, nics]) => {
    const toPod = nics.filter(
      ({ nic }) => pairOfNic(nic, pairs, facts.inventory)?.destination.type === 'pod',
    );
    if (toPod.length < 2) return [];
    return [
      condition(
        'VMMultiplePodNetworkMappings',
        'TooMany',
        `${toPod.length} NICs of '${vm.name}' go to the pod network`,
        [vm.name],
      ),
    ];
  });
}

/** No two NICs of the plan have one MAC address. */
export function checkMacs(facts: PlanFacts): readonly Condition[] {
  const byMac = Map.groupBy(nicsOf(facts), ({ nic }) => nic.mac?.toLowerCase());
  return [...byMac].flatMap(([mac, nics]) => {
    if (mac === undefined || nics.length < 2) return [];
    const vms = nics.map(({ vm }) => vm.name);
    return [
      condition('MacConflicts', 'NotUnique', `${mac} is that of ${nics.length} NICs, of ${listed(vms)}`, vms),
    ];
  });
}

function nicsOf({ vms }: PlanFacts): readonly { readonly vm: SourceVm; readonly nic: SourceNic }[] {
  const once = new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const])));
  return [...once.values()].flatMap((vm) => vm.nics.map((nic) => ({ vm, nic })));
}

function networkOf(
  destination: NetworkPair['destination'],
  offered: readonly TargetNetwork[],
  namespace: string,
): TargetNetwork | undefined {
  if (destination.type === 'ignored') return undefined;
  if (destination.type === 'pod') return offered.find(({ type }) => type === 'pod');
  const wanted = destination.namespace ?? namespace;
  return offered.find(
    ({ type, name, namespace: own }) =>
      type === 'multus' && name === destination.name && (own === undefined || own === wanted),
  );
}

function nameOf(destination: NetworkPair['destination'], namespace: string): string {
  return destination.type === 'multus'
    ? `multus ${destination.namespace ?? namespace}/${destination.name}`
    : `the ${destination.type} network`;
}
