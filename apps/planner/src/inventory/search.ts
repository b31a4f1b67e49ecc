import type { FoundVm, Inventory, SourceVm, VmSearch } from '@ledgerlift/contracts';
import { capacityOf, means } from '../selection/index.js';

/** Whether a VM is one that is looked for: all that is given must hold, as it must in a plan's selector. */
export function isSearched(vm: SourceVm, search: VmSearch, known: Inventory): boolean {
  const { id, concern, offset: _, limit: __, ...criteria } = search;
  return (
    (id === undefined || vm.id === id || vm.uuid?.toLowerCase() === id.toLowerCase()) &&
    (concern === undefined || vm.concerns.some((each) => each.id === concern || each.category === concern)) &&
    means(criteria, vm, known)
  );
}

/** What is told of a VM that was found: a page of them must fit into one message. */
export function foundVm(vm: SourceVm): FoundVm {
  const { id, uuid, name, path, powerState, datacenter, cluster, host, tags, os } = vm;
  const groups = Map.groupBy(vm.concerns, ({ category }) => category);
  return {
    id,
    name,
    path,
    powerState,
    os,
    ...(uuid === undefined ? {} : { uuid }),
    ...(datacenter === undefined ? {} : { datacenter }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(host === undefined ? {} : { host }),
    ...(tags === undefined ? {} : { tags }),
    cpus: vm.cpu.count,
    memoryBytes: vm.memory.bytes,
    disks: vm.disks.length,
    capacityBytes: capacityOf(vm),
    concerns: Object.fromEntries(
      [...groups].map(([category, each]) => [category, each.map((one) => one.id)]),
    ),
  };
}
