import { type Condition, type TargetNetwork, conditionsOf } from '@ledgerlift/contracts';
import { checkNetworks, checkPodNetwork } from '../../conditions/networks.js';
import { sharedConditionTypes } from '../../conditions/types.js';
import type { NetworkPair, PlanAtTarget, VmAtTarget } from '../../plan.js';
import { nicAddress } from '../../vm-model/identity.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { isKnown, namespacesOf } from './facts.js';

const condition = conditionsOf({ ...sharedConditionTypes, ...kubevirtConditionTypes });

/** Networks that every VM may name, wherever it is: Forklift's rule, and that of Multus where namespaces are isolated. */
const SHARED_NAMESPACE = 'default';

/** The networks are there, where VMs may use them, and with no address twice. Pure. */
export function checkNetworksOfCluster(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return [
    ...checkPodNetwork(plan),
    ...(isMultusKnown(cluster) ? checkMultus(plan, cluster) : []),
    ...checkMacs(plan, cluster),
  ];
}

/** Where Multus is not installed, that is said once, instead of each network. */
const isMultusKnown = (cluster: ClusterView): boolean =>
  isKnown(cluster, resources.networks) &&
  !cluster.gaps.some(
    ({ kind, knowledge }) => kind === resources.networks && knowledge.state === 'not-installed',
  );

function checkMultus(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  const offered = offeredNetworks(cluster);
  const used = new Set(plan.vms.flatMap(({ networkOf }) => networkOf));
  const unused = plan.networks.filter((pair) => !used.has(pair));
  // A network without a namespace is that of each VM's own.
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
    const message = `'${source}' leads to multus ${name}, which VMs in '${namespace}' may not use`;
    return [condition('NetMapDestinationNADNotValid', 'NamespaceNotAllowed', message, [name])];
  });
}

/** A network that gives each pod a device of its own can take a virtual function; others only what is emulated. */
const offeredNetworks = ({ networks }: ClusterView): readonly TargetNetwork[] => [
  { name: 'pod', type: 'pod', nicKinds: ['ethernet'] },
  ...networks.map(({ name, namespace, resourceName }): TargetNetwork => ({
    name,
    type: 'multus',
    namespace,
    nicKinds: resourceName === undefined ? ['ethernet'] : ['ethernet', 'sriov'],
  })),
];

/** No VM of the cluster has the address of a NIC on the same network. Those of the plan are compared by the planner. */
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
      const message = `${mac} of '${vm.vm.name}' is that of the VM '${other.vm}' on multus ${network}`;
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
