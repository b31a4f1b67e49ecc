import { type Condition, listed } from '@ledgerlift/contracts';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import { devicesFor } from '../../vm-model/target-vm.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import type { InstanceType } from '../inventory/kinds.js';
import { type ApiResource, resources } from '../resources.js';
import { condition } from './condition-types.js';
import { isKnown } from './facts.js';

/** Checks node selectors and sector sizes of the plan's VMs. Pure. */
export function checkMachines(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return [...(isKnown(cluster, resources.nodes) ? checkSelectors(plan, cluster) : []), ...checkSectors(plan)];
}

function checkSelectors({ vms, targetName }: PlanAtTarget, { nodes }: ClusterView): readonly Condition[] {
  const selectorOf = ({ machine }: VmAtTarget): string => JSON.stringify(machine.targetNodeSelector ?? {});
  return [...Map.groupBy(vms, selectorOf)].flatMap(([selector, each]) => {
    const wanted = Object.entries(each[0]?.machine.targetNodeSelector ?? {});
    const matches = nodes.some(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
    if (wanted.length === 0 || matches) return [];
    const names = each.map(({ vm }) => vm.name);
    const message = `no node of '${targetName}' has the labels ${selector} that ${listed(names)} ask for`;
    return [condition('NodeSelectorMatchesNone', 'NoSuchLabels', message, names)];
  });
}

/** Only raw copies are checked: there, the target's disk bus is known in advance. */
function checkSectors({ spec, vms }: PlanAtTarget): readonly Condition[] {
  if (!spec.skipGuestConversion || devicesFor(spec).diskBus === 'virtio') return [];
  const names = vms
    .filter(({ vm }) => vm.disks.some(({ sectorBytes = 512 }) => sectorBytes !== 512))
    .map(({ vm }) => vm.name);
  if (names.length === 0) return [];
  const message = `disks of ${listed(names)} have sectors of 4096 bytes, but SATA supports only 512`;
  return [condition('SectorSizeNotKept', 'NotVirtio', message, names)];
}

const MiB = 2 ** 20;

/** Checks that the instance types and preferences of VMs exist and suit them. Pure. */
export function checkInstanceTypes({ vms }: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return vms.flatMap((at) => [...checkInstanceType(at, cluster), ...checkPreference(at, cluster)]);
}

/** @returns undefined if the plan sets none, or it does not exist */
export const instanceTypeOf = (at: VmAtTarget, cluster: ClusterView): InstanceType | undefined =>
  at.machine.instanceType &&
  found(at.machine.instanceType, at, cluster.clusterInstanceTypes, cluster.instanceTypes);

/** Lists the kinds of objects that a VM's machine settings refer to. */
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

/** Finds a namespaced object in the VM's own namespace. */
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

// KubeVirt v1.8.0, pkg/instancetype/apply/cpu.go and nodeselector.go: a field set by both VM and instance type is refused.
function checkConflicts(at: VmAtTarget, ref: Ref, type: InstanceType): readonly Condition[] {
  const { vm, machine } = at;
  const both = [
    ...(machine.cpuModel !== undefined && type.cpuModel !== undefined ? ['cpuModel'] : []),
    ...(hasSome(machine.targetNodeSelector) && type.nodeSelector !== undefined ? ['targetNodeSelector'] : []),
  ];
  if (both.length === 0) return [];
  const message = `the ${named(ref, at)} also sets the ${both.join(' and the ')} of '${vm.name}'`;
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
