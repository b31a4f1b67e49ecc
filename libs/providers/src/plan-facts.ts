import type { Inventory, InventoryProblem, PlanSpec, ProviderSpec, SourceVm } from '@ledgerlift/contracts';

/** What of a plan its source may judge by. All of it was gathered before: who judges does no I/O. */
export interface SourcePlanFacts {
  readonly spec: PlanSpec;
  readonly source: {
    readonly spec: ProviderSpec;
    /** What `check` said, of category Warn too. */
    readonly problems: readonly InventoryProblem[];
  };
  /** Undefined: it could not be read. */
  readonly inventory: Inventory | undefined;
  readonly vms: readonly {
    /** Undefined: the inventory has none that the plan's entry means. */
    readonly vm: SourceVm | undefined;
    /** Its disks are at the target already: nothing is read at the source any more. */
    readonly isCopied: boolean;
  }[];
  /** By id of the VM: what `verifyDigests` said. */
  readonly digests: ReadonlyMap<string, readonly InventoryProblem[]>;
  /** The site at which the plan would run; undefined: none reaches both ends. */
  readonly site: string | undefined;
  readonly workers: { readonly transferTools: ToolsAtSite | undefined } | undefined;
}

/** What the transfer workers of a site have, by the names under which they tell it; undefined where none answers. */
export type ToolsAtSite = Readonly<Record<string, ToolAtSite | undefined>>;

export interface ToolAtSite {
  /** The oldest that one of them has. Undefined: none has it. */
  readonly oldest: { readonly version: string; readonly path: string } | undefined;
  /** Why it cannot be used, of each worker where it cannot. */
  readonly problems: readonly string[];
}

/** What a concern that a provider raises about a VM means for plans. */
export interface ConcernMeaning {
  /** A condition type of its own, of the provider's catalogue; without one it is told by its category. */
  readonly type?: string;
  /** It matters only to plans that read the source's disks, that are warm, or that convert guests. */
  readonly of?: 'reading' | 'warm' | 'conversion';
}

/** The plan's VMs, each once. */
export function vmsOf({ vms }: Pick<SourcePlanFacts, 'vms'>): readonly SourceVm[] {
  return [...new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const]))).values()];
}

/** VMs whose disks are read at the source, each once. */
export const readVms = ({ spec, vms }: SourcePlanFacts): readonly SourceVm[] =>
  spec.type === 'conversion' ? [] : vmsOf({ vms: vms.filter(({ isCopied }) => !isCopied) });
