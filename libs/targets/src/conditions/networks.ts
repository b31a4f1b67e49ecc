import { type Condition, type SourceNic, type TargetNetwork, conditionsOf } from '@ledgerlift/contracts';
import type { NetworkPair, PlanAtTarget, VmAtTarget } from '../plan.js';
import { sharedConditionTypes } from './types.js';

const condition = conditionsOf(sharedConditionTypes);

/** The networks that a plan's pairs lead to are there, and allow the NICs that come to them. Pure. */
export function checkNetworks(plan: PlanAtTarget, offered: readonly TargetNetwork[]): readonly Condition[] {
  const { spec, targetName } = plan;
  const missing = plan.networks.filter(
    ({ destination }) =>
      destination.type !== 'ignored' && networkOf(destination, offered, spec.targetNamespace) === undefined,
  );
  const refused = nicsOf(plan).flatMap(({ vm, nic, pair }) => {
    const network = pair && networkOf(pair.destination, offered, spec.targetNamespace);
    return network === undefined || network.nicKinds.includes(nic.kind) ? [] : [{ vm, nic, network }];
  });
  return [
    ...missing.map(({ source, destination }) => {
      const name = nameOf(destination, spec.targetNamespace);
      return condition(
        'DestinationNetworkNotValid',
        'NotFound',
        `'${source}' leads to ${name}, which '${targetName}' does not have`,
        [name],
      );
    }),
    ...refused.map(({ vm, nic, network }) => {
      const message = `'${network.name}' takes ${network.nicKinds.join(', ')}, and NIC '${nic.name}' of '${vm.name}' is ${nic.kind}`;
      return condition('VMNicKindNotSupported', 'KindNotAllowed', message, [vm.name]);
    }),
  ];
}

/** KubeVirt connects at most one NIC of a VM to the pod network. Pure. */
export function checkPodNetwork(plan: PlanAtTarget): readonly Condition[] {
  return oncePerVm(plan).flatMap(({ vm, networkOf: pairs }) => {
    const toPod = pairs.filter((pair) => pair?.destination.type === 'pod');
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

const oncePerVm = ({ vms }: PlanAtTarget): readonly VmAtTarget[] => [
  ...new Map(vms.map((each) => [each.vm.id, each])).values(),
];

function nicsOf(plan: PlanAtTarget): readonly {
  readonly vm: VmAtTarget['vm'];
  readonly nic: SourceNic;
  readonly pair: NetworkPair | undefined;
}[] {
  return oncePerVm(plan).flatMap(({ vm, networkOf: pairs }) =>
    vm.nics.map((nic, index) => ({ vm, nic, pair: pairs[index] })),
  );
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
