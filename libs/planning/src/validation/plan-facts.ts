import type {
  Expected,
  Inventory,
  InventoryProblem,
  MappingSpec,
  PlanSpec,
  ProviderSpec,
  ServiceName,
  SourceVm,
} from '@ledgerlift/contracts';
import type { ToolsAtSite } from '@ledgerlift/providers';
import { dns1123Label, type TargetView } from '@ledgerlift/targets';
import { type SelectedVm, type Selection, selectVms } from '../selection/index.js';

/** Everything that validation knows about a plan and the outside. Gathered beforehand: the checks do no I/O. */
export interface PlanFacts {
  readonly planId: string;
  readonly spec: PlanSpec;
  /** Undefined if the ref matches no provider. */
  readonly source: ProviderFacts | undefined;
  readonly target: ProviderFacts | undefined;
  readonly networkMapping: MappingFacts | undefined;
  readonly storageMapping: MappingFacts | undefined;
  /** Undefined if it could not be read. */
  readonly inventory: Inventory | undefined;
  readonly selection: Selection;
  readonly vms: readonly PlannedVm[];
  /** The view of the target, which only the target itself interprets; undefined without a target. */
  readonly view: TargetView | undefined;
  /** Problems with the files of VMs, by id of the source VM. */
  readonly digests: ReadonlyMap<string, readonly InventoryProblem[]>;
  /** Durations of earlier migrations from the source; undefined if none was measured. */
  readonly expected: Expected | undefined;
  /** The site at which the plan would run; undefined if none reaches both ends. */
  readonly site: string | undefined;
  readonly workers: SiteWorkers | undefined;
  readonly pods: PodsForPlan;
}

/** Whether the plan needs worker pods at the target, and whether they can get credentials. */
export type PodsForPlan = 'not-needed' | 'ready' | 'without-credentials';

/** The facts about the VMs that a plan selects. */
export type SelectionFacts = Pick<PlanFacts, 'inventory' | 'selection' | 'vms'>;

export interface ProviderFacts {
  readonly id: string;
  readonly spec: ProviderSpec;
  /** Why it cannot be used, if anything. */
  readonly problems: readonly InventoryProblem[];
}

export interface MappingFacts {
  readonly id: string;
  readonly spec: MappingSpec;
  /** Ids of its providers; undefined if the ref matches none. */
  readonly sourceId: string | undefined;
  readonly targetId: string | undefined;
}

/** A VM that the plan selects, and how it would be at the target. */
export interface PlannedVm extends SelectedVm {
  readonly targetName: string;
  readonly targetNamespace: string;
  /** Its disks are already at the target, so neither the source nor room for them matters. */
  readonly isCopied: boolean;
  /** Its disks are also converted, if the plan converts: nothing large will be written. */
  readonly isConverted: boolean;
  /** The object at the target with its name is its own. */
  readonly isRetried: boolean;
}

/** A VM of a plan that is being retried. */
export interface RetriedVm {
  readonly vm: SourceVm;
  /** All its disks are at the target, so the source is no longer examined. */
  readonly isCopied: boolean;
  /** Its conversion, if any, is done. */
  readonly isConverted: boolean;
}

/** The workers that answer at a site. */
export interface SiteWorkers {
  readonly connected: readonly ServiceName[];
  /** Problems of the converter; undefined if none answers. */
  readonly conversionProblems: readonly string[] | undefined;
  /** The transfer workers' tools to read disks and run hooks; undefined if none answers. */
  readonly transferTools: ToolsAtSite | undefined;
}

/** Port that asks which workers answer at a site. */
export interface WorkerAccess {
  /** Never throws: a worker that does not answer counts as not connected. */
  at(site: string): Promise<SiteWorkers>;
}

/** The plan's selection, and the VMs as they would be at the target. */
export interface Planned {
  readonly selection: Selection;
  readonly vms: readonly PlannedVm[];
}

/**
 * Looks up the plan's refs and selectors in the inventory.
 *
 * @param retried if given, only these VMs; one whose disks are copied stays as it was then
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
 * The VM in the configuration that a plan names. `checkConfigurations` reports one that does not exist.
 *
 * @returns the VM without its other configurations, which a migration does not need
 */
function inConfiguration(vm: SourceVm, named: string | undefined): SourceVm {
  if (vm.deployment === undefined) return vm;
  const { others = [], ...deployment } = vm.deployment;
  const other = others.find(({ configuration }) => configuration === named);
  if (other === undefined) return { ...vm, deployment };
  const { configuration, ...hardware } = other;
  return { ...vm, ...hardware, deployment: { ...deployment, configuration } };
}
