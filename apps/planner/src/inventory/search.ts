import type { Inventory, SourceVm, VmSearch } from '@ledgerlift/contracts';
import { means } from '../selection/index.js';

/** Whether a VM is one that is looked for: all that is given must hold, as it must in a plan's selector. */
export function isSearched(vm: SourceVm, search: VmSearch, known: Inventory): boolean {
  const { id, concern, offset: _, limit: __, ...criteria } = search;
  return (
    (id === undefined || vm.id === id || vm.uuid?.toLowerCase() === id.toLowerCase()) &&
    (concern === undefined || vm.concerns.some((each) => each.id === concern || each.category === concern)) &&
    means(criteria, vm, known)
  );
}
