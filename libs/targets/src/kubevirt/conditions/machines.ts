import { type Condition, conditionsOf, listed } from '@ledgerlift/contracts';
import { claimNames } from '../../name-templates.js';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import { devicesFor } from '../../vm-model/devices.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { disksToCopy, isKnown } from './facts.js';

const condition = conditionsOf(kubevirtConditionTypes);

/** What the plan says of its VMs can be done: names, nodes and sectors. Pure. */
export function checkMachines(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return [
    ...checkClaimNames(plan),
    ...(isKnown(cluster, resources.nodes) ? checkSelectors(plan, cluster) : []),
    ...checkSectors(plan),
  ];
}

/** A template may give two VMs one name; those of one VM differ by the number of the disk. */
function checkClaimNames(plan: PlanAtTarget): readonly Condition[] {
  const copied = new Set(disksToCopy(plan).map(({ vm }) => vm));
  const claims = [...copied].flatMap((at) =>
    claimNames(at).map((name) => ({ place: `${at.targetNamespace}/${name}`, at })),
  );
  return [...Map.groupBy(claims, ({ place }) => place)].flatMap(([place, each]) => {
    const names = [...new Set(each.map(({ at }) => at))].map(({ vm }) => vm.name);
    if (names.length < 2) return [];
    return [
      condition(
        'ClaimNameNotUnique',
        'NotUnique',
        `the claim '${place}' would be that of ${listed(names)}`,
        names,
      ),
    ];
  });
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
