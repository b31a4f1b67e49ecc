import type { Inventory, PlanSpec, SourceVm } from '@ledgerlift/contracts';
import { dns1123Label } from '@ledgerlift/targets';
import { type Selection, selectVms } from '../../selection/index.js';
import type { RetriedVm } from '../plan-examiner.js';
import type { PlannedVm } from '../plan-facts.js';

/** What the plan's list and selectors mean, and the VMs as they would be at the target. */
export interface Planned {
  readonly selection: Selection;
  readonly vms: readonly PlannedVm[];
}

/**
 * What the plan's refs and selectors mean in the inventory.
 *
 * @param retried where given, only these VMs; one whose disks are copied stays as it was then
 */
export function plannedVms(
  spec: PlanSpec,
  inventory: Inventory | undefined,
  retried?: readonly RetriedVm[],
): Planned {
  const copied = retried?.filter(({ isCopied }) => isCopied).map(({ vm }) => vm) ?? [];
  const copiedIds = new Set(copied.map(({ id }) => id));
  const convertedIds = new Set(retried?.flatMap(({ vm, isConverted }) => (isConverted ? [vm.id] : [])));
  const recorded = new Map(retried?.map(({ vm }) => [vm.id, vm]));
  const vms = [...(inventory?.vms ?? []).filter(({ id }) => !copiedIds.has(id)), ...copied];
  const known = { networks: [], storages: [], ...inventory, vms };
  const selection = selectVms(spec, known, recorded);
  const planned = selection.vms.map((selected): PlannedVm => {
    const { entry } = selected;
    const vm = selected.vm && inConfiguration(selected.vm, entry.configuration);
    return {
      ...selected,
      vm,
      targetName: entry.targetName ?? dns1123Label(vm?.name ?? entry.ref),
      targetNamespace: entry.targetNamespace ?? spec.targetNamespace,
      isCopied: vm !== undefined && copiedIds.has(vm.id),
      isConverted: vm !== undefined && convertedIds.has(vm.id),
      isRetried: retried !== undefined,
    };
  });
  return {
    selection,
    vms: planned.filter(({ vm }) => retried === undefined || (vm !== undefined && recorded.has(vm.id))),
  };
}

/**
 * The VM as it is in the configuration that a plan names. One that does not exist is left to the check of configurations.
 *
 * @returns it without its other configurations, which are nothing to a migration
 */
function inConfiguration(vm: SourceVm, named: string | undefined): SourceVm {
  if (vm.deployment === undefined) return vm;
  const { others = [], ...deployment } = vm.deployment;
  const other = others.find(({ configuration }) => configuration === named);
  if (other === undefined) return { ...vm, deployment };
  const { configuration, ...hardware } = other;
  return { ...vm, ...hardware, deployment: { ...deployment, configuration } };
}
