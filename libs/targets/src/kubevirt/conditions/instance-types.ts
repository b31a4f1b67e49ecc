import { type Condition, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import type { ApiResource } from '../addresses.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import type { InstanceType } from '../inventory/kinds.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { isKnown } from './facts.js';

const condition = conditionsOf(kubevirtConditionTypes);
const MiB = 2 ** 20;

/** The instance types and preferences that VMs are to have are there, and suit them. Pure. */
export function checkInstanceTypes({ vms }: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return vms.flatMap((at) => [...checkInstanceType(at, cluster), ...checkPreference(at, cluster)]);
}

/** @returns undefined where the VM is to have none, or it is not there */
export const instanceTypeOf = (at: VmAtTarget, cluster: ClusterView): InstanceType | undefined =>
  at.machine.instanceType &&
  found(at.machine.instanceType, at, cluster.clusterInstanceTypes, cluster.instanceTypes);

/** The kinds of object that the machine of a VM is made by. */
export const kindsOfMachine = ({
  machine: { instanceType, preference },
}: VmAtTarget): readonly ApiResource[] => [
  ...(instanceType === undefined ? [] : [instanceTypeKind(instanceType)]),
  ...(preference === undefined ? [] : [preferenceKind(preference)]),
];

type Ref = { readonly name: string; readonly kind: string };
const isOfCluster = ({ kind }: Ref): boolean => kind.includes('Cluster');
const instanceTypeKind = (ref: Ref): ApiResource =>
  isOfCluster(ref) ? resources.clusterInstanceTypes : resources.instanceTypes;
const preferenceKind = (ref: Ref): ApiResource =>
  isOfCluster(ref) ? resources.clusterPreferences : resources.preferences;

/** An object that is not of the whole cluster is looked for in the VM's own namespace. */
const found = <T extends { readonly name: string; readonly namespace: string }>(
  ref: Ref,
  { targetNamespace }: VmAtTarget,
  ofCluster: readonly T[],
  ofNamespaces: readonly T[],
): T | undefined =>
  isOfCluster(ref)
    ? ofCluster.find(({ name }) => name === ref.name)
    : ofNamespaces.find(({ name, namespace }) => name === ref.name && namespace === targetNamespace);

const named = (ref: Ref, { targetNamespace }: VmAtTarget): string =>
  `${ref.kind} '${ref.name}'${isOfCluster(ref) ? '' : ` in '${targetNamespace}'`}`;

function checkInstanceType(at: VmAtTarget, cluster: ClusterView): readonly Condition[] {
  const { vm, machine } = at;
  const ref = machine.instanceType;
  if (ref === undefined || !isKnown(cluster, instanceTypeKind(ref))) return [];
  const type = instanceTypeOf(at, cluster);
  if (type === undefined)
    return [
      condition('InstanceTypeNotValid', 'NotFound', `there is no ${named(ref, at)} for '${vm.name}'`, [
        vm.name,
      ]),
    ];
  return [...checkConflicts(at, ref, type), ...checkSize(at, ref, type)];
}

// KubeVirt v1.8.0, pkg/instancetype/apply/cpu.go and nodeselector.go: what both say is refused.
function checkConflicts(at: VmAtTarget, ref: Ref, type: InstanceType): readonly Condition[] {
  const { vm, machine } = at;
  const both = [
    ...(machine.cpuModel !== undefined && type.cpuModel !== undefined ? ['cpuModel'] : []),
    ...(hasSome(machine.targetNodeSelector) && type.nodeSelector !== undefined ? ['targetNodeSelector'] : []),
  ];
  if (both.length === 0) return [];
  const message = `the ${both.join(' and the ')} of '${vm.name}' is what the ${named(ref, at)} says, too`;
  return [condition('InstanceTypeNotValid', 'Conflict', message, [vm.name])];
}

function checkSize(at: VmAtTarget, ref: Ref, { cpus, memoryBytes }: InstanceType): readonly Condition[] {
  const { vm } = at;
  const less = [
    ...(cpus < vm.cpu.count ? [`${cpus} CPUs for ${vm.cpu.count}`] : []),
    ...(memoryBytes < vm.memory.bytes
      ? [`${Math.floor(memoryBytes / MiB)} MiB of memory for ${Math.ceil(vm.memory.bytes / MiB)}`]
      : []),
  ];
  if (less.length === 0) return [];
  const message = `the ${named(ref, at)} gives '${vm.name}' ${less.join(' and ')}`;
  return [condition('InstanceTypeSmaller', 'TooSmall', message, [vm.name])];
}

function checkPreference(at: VmAtTarget, cluster: ClusterView): readonly Condition[] {
  const { vm, machine } = at;
  const ref = machine.preference;
  if (ref === undefined || !isKnown(cluster, preferenceKind(ref))) return [];
  if (found(ref, at, cluster.clusterPreferences, cluster.preferences) !== undefined) return [];
  return [
    condition('PreferenceNotValid', 'NotFound', `there is no ${named(ref, at)} for '${vm.name}'`, [vm.name]),
  ];
}

const hasSome = (labels: Readonly<Record<string, string>> | undefined): boolean =>
  labels !== undefined && Object.keys(labels).length > 0;
