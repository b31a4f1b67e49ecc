import { type Condition, conditionsOf, listed } from '@ledgerlift/contracts';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import { devicesFor } from '../../vm-model/devices.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { isKnown } from './facts.js';

const condition = conditionsOf(kubevirtConditionTypes);

/** What the plan says of its VMs can be done: nodes and sectors. Pure. */
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

/** Sectors that are not of 512 bytes are known to be lost where the devices are known before: in a raw copy. */
function checkSectors({ spec, vms }: PlanAtTarget): readonly Condition[] {
  if (!spec.skipGuestConversion || devicesFor(spec).diskBus === 'virtio') return [];
  const names = vms
    .filter(({ vm }) => vm.disks.some(({ sectorBytes = 512 }) => sectorBytes !== 512))
    .map(({ vm }) => vm.name);
  if (names.length === 0) return [];
  const message = `disks of ${listed(names)} have sectors of 4096 bytes, and SATA has 512 only`;
  return [condition('SectorSizeNotKept', 'NotVirtio', message, names)];
}
