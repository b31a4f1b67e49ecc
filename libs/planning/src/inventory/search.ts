import type { FoundVm, Inventory, SourceVm, VmSearch } from '@ledgerlift/contracts';
import { PlaceNotUnique, capacityOf, meaningOf } from '../selection/index.js';

/**
 * The VMs that match all criteria, as in a plan's selector.
 * @throws PlaceNotUnique
 */
export function searched(known: Inventory, search: VmSearch): readonly SourceVm[] {
  const { id, concern, offset: _, limit: __, ...criteria } = search;
  const { means, unclear } = meaningOf(criteria, known);
  const [first] = unclear;
  if (first !== undefined) throw new PlaceNotUnique(first);
  return known.vms.filter(
    (vm) =>
      (id === undefined || vm.id === id || vm.uuid?.toLowerCase() === id.toLowerCase()) &&
      (concern === undefined ||
        vm.concerns.some((each) => each.id === concern || each.category === concern)) &&
      means(vm),
  );
}

/** The short view of a found VM: a page of these must fit into one message. */
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
