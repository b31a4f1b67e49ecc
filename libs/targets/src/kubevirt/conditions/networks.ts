import { BlockList, isIP } from 'node:net';
import type { Condition, TargetNetwork } from '@ledgerlift/contracts';
import { checkNetworks, checkPodNetwork } from '../../conditions.js';
import type { NetworkPair, PlanAtTarget, VmAtTarget } from '../../plan.js';
import { nicAddress } from '../../vm-model/identity.js';
import { resources } from '../resources.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { condition } from './condition-types.js';
import { isKnown, namespacesOf } from './facts.js';

/** Networks of this namespace are open to VMs of every namespace, in Forklift and in Multus with namespace isolation. */
const SHARED_NAMESPACE = 'default';

/** Checks that networks exist, that VMs may use them, and that no MAC address is used twice. Pure. */
export function checkNetworksOfCluster(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return [
    ...checkPodNetwork(plan),
    ...(isMultusKnown(cluster) ? checkMultus(plan, cluster) : []),
    ...checkMacs(plan, cluster),
  ];
}

/** If Multus is not installed, one condition says so instead of one for each network. */
const isMultusKnown = (cluster: ClusterView): boolean =>
  isKnown(cluster, resources.networks) &&
  !cluster.gaps.some(
    ({ kind, knowledge }) => kind === resources.networks && knowledge.state === 'not-installed',
  );

function checkMultus(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  const offered = offeredNetworks(cluster);
  const used = new Set(plan.vms.flatMap(({ networkOf }) => networkOf));
  const unused = plan.networks.filter((pair) => !used.has(pair));
  // A network without a namespace is in the VM's own namespace.
  const found = namespacesOf(plan).flatMap((targetNamespace, index) => {
    const vms = plan.vms.filter((each) => each.targetNamespace === targetNamespace);
    const pairs = new Set(vms.flatMap(({ networkOf }) => networkOf));
    const networks = plan.networks.filter(
      (pair) => pairs.has(pair) || (index === 0 && unused.includes(pair)),
    );
    const part = { ...plan, spec: { ...plan.spec, targetNamespace }, vms, networks };
    return [...checkNetworks(part, offered), ...checkReach(networks, targetNamespace)];
  });
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
}

function checkReach(networks: readonly NetworkPair[], namespace: string): readonly Condition[] {
  return networks.flatMap(({ source, destination }) => {
    if (destination.type !== 'multus') return [];
    const own = destination.namespace ?? namespace;
    if (own === namespace || own === SHARED_NAMESPACE) return [];
    const name = `${own}/${destination.name}`;
    const message = `'${source}' is mapped to multus ${name}, which VMs in '${namespace}' may not use`;
    return [condition('NetMapDestinationNADNotValid', 'NamespaceNotAllowed', message, [name])];
  });
}

/** Only a network that assigns a device to each pod supports SR-IOV NICs; others support emulated ones. */
const offeredNetworks = ({ networks }: ClusterView): readonly TargetNetwork[] => [
  { name: 'pod', type: 'pod', nicKinds: ['ethernet'] },
  ...networks.map(({ name, namespace, resourceName }): TargetNetwork => ({
    name,
    type: 'multus',
    namespace,
    nicKinds: resourceName === undefined ? ['ethernet'] : ['ethernet', 'sriov'],
  })),
];

/** Checks that no VM of the cluster uses a NIC's MAC address on the same network. The planner compares those within the plan. */
function checkMacs({ vms }: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  const owners = Map.groupBy(
    cluster.vms.flatMap(({ name, namespace, nics }) =>
      nics.map(({ network, mac }) => ({
        vm: `${namespace}/${name}`,
        key: `${network} ${nicAddress(mac, 'multus')}`,
      })),
    ),
    ({ key }) => key,
  );
  return vms.flatMap((vm) =>
    addressesOf(vm).flatMap(({ network, mac }) => {
      const place = `${vm.targetNamespace}/${vm.targetName}`;
      const others = owners.get(`${network} ${mac}`) ?? [];
      const other = others.find((each) => !(vm.isRetried && each.vm === place));
      if (other === undefined) return [];
      const message = `${mac} of '${vm.vm.name}' is already used by the VM '${other.vm}' on multus ${network}`;
      return [condition('MacConflicts', 'NotUnique', message, [vm.vm.name])];
    }),
  );
}

function addressesOf({ vm, networkOf, targetNamespace }: VmAtTarget) {
  return vm.nics.flatMap((nic, index) => {
    const destination = networkOf[index]?.destination;
    const mac = nicAddress(nic.mac, 'multus');
    if (destination?.type !== 'multus' || mac === undefined) return [];
    return [{ network: `${destination.namespace ?? targetNamespace}/${destination.name}`, mac }];
  });
}

/** Checks that no address of a guest or of the source is in the cluster's service ranges. Pure. */
export function checkAddresses(plan: PlanAtTarget, { serviceRanges }: ClusterView): readonly Condition[] {
  const cidrs = serviceRanges.flatMap((range) => range.cidrs);
  const services = blockList(cidrs);
  const isService = (ip: string): boolean => {
    const version = isIP(ip);
    return version !== 0 && services.check(ip, version === 4 ? 'ipv4' : 'ipv6');
  };
  const range = `in the service range, ${cidrs.join(', ')}`;
  const guests = plan.vms.flatMap(({ vm }) => {
    const inside = (vm.guest?.nics ?? []).flatMap(({ addresses }) =>
      addresses.map(({ ip }) => ip).filter(isService),
    );
    if (inside.length === 0) return [];
    const message = `${inside.join(', ')} of '${vm.name}' is ${range}`;
    return [condition('AddressInServiceRange', 'Guest', message, [vm.name])];
  });
  const hosts = plan.sourceHosts
    .filter(isService)
    .map((host) =>
      condition('AddressInServiceRange', 'Source', `the address of the source, ${host}, is ${range}`, [host]),
    );
  return [...guests, ...hosts];
}

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    const version = isIP(address);
    if (version !== 0) list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
