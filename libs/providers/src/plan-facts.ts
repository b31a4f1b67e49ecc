import type { Inventory, InventoryProblem, PlanSpec, ProviderSpec, SourceVm } from '@ledgerlift/contracts';

/** The facts by which a source checks a plan. They are gathered in advance, so that the check does no I/O. */
export interface SourcePlanFacts {
  readonly spec: PlanSpec;
  readonly source: {
    readonly spec: ProviderSpec;
    /** Problems that `check` found, including those of category Warn. */
    readonly problems: readonly InventoryProblem[];
  };
  /** Undefined if it could not be read. */
  readonly inventory: Inventory | undefined;
  readonly vms: readonly {
    /** Undefined if the plan's entry matches no VM of the inventory. */
    readonly vm: SourceVm | undefined;
    /** Its disks are already at the target, so the source is not read again. */
    readonly isCopied: boolean;
  }[];
  /** Id of the VM → problems that `verifyDigests` found. */
  readonly digests: ReadonlyMap<string, readonly InventoryProblem[]>;
  /** The site at which the plan would run; undefined if none reaches both source and target. */
  readonly site: string | undefined;
  readonly workers: { readonly transferTools: ToolsAtSite | undefined } | undefined;
}

/** Tools of a site's transfer workers, by the names in their reports; undefined if no worker has reported the tool. */
export type ToolsAtSite = Readonly<Record<string, ToolAtSite | undefined>>;

export interface ToolAtSite {
  /** The oldest version among the workers; undefined if none has the tool. */
  readonly oldest: { readonly version: string; readonly path: string } | undefined;
  /** Why the tool is unusable, one entry for each worker on which it is. */
  readonly problems: readonly string[];
}

/** How plans treat a concern that a provider raises about a VM. */
export interface ConcernMeaning {
  /** Condition type from the provider's catalogue; without it, the concern's category selects a shared one. */
  readonly type?: string;
  /** Limits the concern to plans that read the source's disks, that are warm, or that convert guests. */
  readonly of?: 'reading' | 'warm' | 'conversion';
}

/** Lists the plan's VMs, each once. */
export function vmsOf({ vms }: Pick<SourcePlanFacts, 'vms'>): readonly SourceVm[] {
  return [...new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const]))).values()];
}

/** Lists the VMs whose disks are read at the source, each once. */
export const readVms = ({ spec, vms }: SourcePlanFacts): readonly SourceVm[] =>
  spec.type === 'conversion' ? [] : vmsOf({ vms: vms.filter(({ isCopied }) => !isCopied) });
