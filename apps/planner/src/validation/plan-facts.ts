import type {
  Expected,
  Inventory,
  InventoryProblem,
  MappingSpec,
  PlanSpec,
  ProviderSpec,
  ServiceName,
} from '@ledgerlift/contracts';
import type { ToolsAtSite } from '@ledgerlift/providers';
import type { TargetView } from '@ledgerlift/targets';
import type { SelectedVm, Selection } from '../selection/index.js';

/** All that validation knows of a plan and of the world, gathered before: the checks themselves do no I/O. */
export interface PlanFacts {
  readonly planId: string;
  readonly spec: PlanSpec;
  /** Undefined: the ref leads nowhere. */
  readonly source: ProviderFacts | undefined;
  readonly target: ProviderFacts | undefined;
  readonly networkMapping: MappingFacts | undefined;
  readonly storageMapping: MappingFacts | undefined;
  /** Undefined: it could not be read. */
  readonly inventory: Inventory | undefined;
  readonly selection: Selection;
  readonly vms: readonly PlannedVm[];
  /** What was seen at the target; only the target itself looks into it. Undefined: there is no target. */
  readonly view: TargetView | undefined;
  /** By id of the source VM: what in its files is not as it should be. */
  readonly digests: ReadonlyMap<string, readonly InventoryProblem[]>;
  /** What earlier migrations from the source took; undefined: none was measured. */
  readonly expected: Expected | undefined;
  /** The site at which the plan would run; undefined: none reaches both ends. */
  readonly site: string | undefined;
  readonly workers: SiteWorkers | undefined;
  readonly pods: PodsForPlan;
}

/** Whether pods at the target do what workers at the site do elsewhere, and whether they can be given credentials. */
export type PodsForPlan = 'not-needed' | 'ready' | 'without-credentials';

/** What is known of which VMs a plan means. */
export type SelectionFacts = Pick<PlanFacts, 'inventory' | 'selection' | 'vms'>;

export interface ProviderFacts {
  readonly id: string;
  readonly spec: ProviderSpec;
  /** What hinders to use it. */
  readonly problems: readonly InventoryProblem[];
}

export interface MappingFacts {
  readonly id: string;
  readonly spec: MappingSpec;
  /** Ids of the providers it is between; undefined: its ref leads nowhere. */
  readonly sourceId: string | undefined;
  readonly targetId: string | undefined;
}

/** A VM that the plan means, and how it would be at the target. */
export interface PlannedVm extends SelectedVm {
  readonly targetName: string;
  readonly targetNamespace: string;
  /** Its disks are at the target already: the source does not matter any more, nor room for them. */
  readonly isCopied: boolean;
  /** They are converted, too, where they are to be: nothing large is written any more. */
  readonly isConverted: boolean;
  /** What is at the target under its name is its own. */
  readonly isRetried: boolean;
}

/** What answers at a site. */
export interface SiteWorkers {
  readonly connected: readonly ServiceName[];
  /** What the converter lacks; undefined where none answers. */
  readonly conversionProblems: readonly string[] | undefined;
  /** What transfer has to read disks and to run hooks with; undefined where none answers. */
  readonly transferTools: ToolsAtSite | undefined;
}
