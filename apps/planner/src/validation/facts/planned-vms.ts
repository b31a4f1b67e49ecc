import type { Inventory, PlanSpec, SourceVm } from '@ledgerlift/contracts';
import { dns1123Label } from '@ledgerlift/targets';
import type { RetriedVm } from '../plan-examiner.js';
import type { PlannedVm } from '../plan-facts.js';

/**
 * What the plan's refs mean in the inventory: an id first, else a name.
 *
 * @param retried where given, only these VMs; one whose disks are copied stays as it was then
 */
export function plannedVms(
  spec: PlanSpec,
  inventory: Inventory | undefined,
  retried?: readonly RetriedVm[],
): readonly PlannedVm[] {
  const copied = retried?.filter(({ isCopied }) => isCopied).map(({ vm }) => vm) ?? [];
  const copiedIds = new Set(copied.map(({ id }) => id));
  const wanted = retried && new Set(retried.map(({ vm }) => vm.id));
  const known = [...(inventory?.vms ?? []).filter(({ id }) => !copiedIds.has(id)), ...copied];
  const find = finder(known);
  return spec.vms
    .map((entry): PlannedVm => {
      const matches = find(entry.ref);
      const vm = matches.length === 1 ? matches[0] : undefined;
      const targetName = entry.targetName ?? dns1123Label(vm?.name ?? entry.ref);
      const isCopied = vm !== undefined && copiedIds.has(vm.id);
      const targetNamespace = entry.targetNamespace ?? spec.targetNamespace;
      const isRetried = retried !== undefined;
      return { entry, matches, vm, targetName, targetNamespace, isCopied, isRetried };
    })
    .filter(({ vm }) => wanted === undefined || (vm !== undefined && wanted.has(vm.id)));
}

function finder(vms: readonly SourceVm[]): (ref: string) => readonly SourceVm[] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const byName = Map.groupBy(vms, ({ name }) => name);
  return (ref) => {
    const vm = byId.get(ref);
    return vm === undefined ? (byName.get(ref) ?? []) : [vm];
  };
}
