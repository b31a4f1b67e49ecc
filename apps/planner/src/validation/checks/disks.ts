import type { Condition, SourceVm } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { condition, conditionNamed, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** Larger than any disk that a hypervisor makes (the largest are 62 TiB): a size like this is a damaged descriptor. */
const LARGEST_DISK = 1024 ** 5;

/** Disks have sizes that disks have. */
export function checkDiskSizes(facts: PlanFacts): readonly Condition[] {
  return sourceVms(facts).flatMap((vm) => {
    if (vm.disks.length === 0)
      return [condition('VMHasNoDisks', 'NoDisks', `'${vm.name}' has no disks`, [vm.name])];
    const wrong = vm.disks.filter(({ capacityBytes }) => capacityBytes <= 0 || capacityBytes > LARGEST_DISK);
    if (wrong.length === 0) return [];
    const sizes = wrong.map(({ name, capacityBytes }) => `'${name}' ${capacityBytes} bytes`);
    return [
      condition('InvalidDiskSizes', 'SizeNotSane', `disks of '${vm.name}': ${listed(sizes)}`, [vm.name]),
    ];
  });
}

/** A shared disk becomes several. */
export function checkSharedDisks(facts: PlanFacts): readonly Condition[] {
  return sourceVms(facts).flatMap((vm) => {
    const shared = vm.disks.filter((disk) => disk.shared).map(({ name }) => name);
    if (shared.length === 0) return [];
    return [condition('SharedDisks', 'Shared', `${listed(shared)} of '${vm.name}' are shared`, [vm.name])];
  });
}

/** What of the source could not be read. */
export function checkInventoryProblems({ inventory, source }: PlanFacts): readonly Condition[] {
  const type = (source && sourceProvider(source.spec.type))?.unreadable ?? 'SourceObjectNotReadable';
  return (inventory?.problems ?? []).map(({ item, code, message }) =>
    conditionNamed(type, code, `${item}: ${message}`, [item]),
  );
}

export function sourceVms({ vms }: PlanFacts): readonly SourceVm[] {
  return [...new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const]))).values()];
}
