import type {
  Condition,
  Expected,
  InventoryProblem,
  Inventory,
  MappingSpec,
  PlanSpec,
  ProviderSpec,
  VmRecord,
} from '@ledgerlift/contracts';
import { type Looked, type TargetView, isTarget, sharedSite, targetOf } from '@ledgerlift/targets';
import type { CatalogProjection, Entry } from '../catalog/index.js';
import { reasonOf } from '../in-words.js';
import type { InventoryService } from '../inventory/index.js';
import { finder } from '../selection/index.js';
import { planAtTarget } from './at-target.js';
import { hinders } from './checks/providers.js';
import {
  type MappingFacts,
  type PlanFacts,
  type PlannedVm,
  plannedVms,
  type PodsForPlan,
  type ProviderFacts,
  type RetriedVm,
  type WorkerAccess,
} from './plan-facts.js';
import {
  environmentOfPods,
  readingInPods,
  type StartedMigrations,
  usersOfDisks,
  usersOfPlaces,
} from './target-use.js';
import { type ResolvedPlan, resolvePlan, resolveVms } from './resolve-plan.js';
import { isReady, validatePlan } from './validate.js';

export interface Examination {
  readonly at: string;
  readonly conditions: readonly Condition[];
  /** The plan as it would run; undefined if a Critical condition forbids it. */
  readonly resolved: ResolvedPlan | undefined;
}

/** A VM as it would be at the target. */
export interface OutlinedVm {
  readonly planned: PlannedVm;
  /** The record that the log would get; undefined if something is missing, which the conditions name. */
  readonly record: Omit<VmRecord, 'migrationId' | 'index'> | undefined;
}

export interface Outline {
  readonly conditions: readonly Condition[];
  /** In the plan's order. */
  readonly vms: readonly OutlinedVm[];
}

export interface ExaminationOptions {
  /** Examines only these VMs of the plan; what already exists for them at the target is their own. */
  readonly retried?: readonly RetriedVm[];
}

/** Examines everything that a plan needs, and raises its conditions. */
export interface PlanExaminer {
  examine(plan: Entry<PlanSpec>, options?: ExaminationOptions): Promise<Examination>;
  /** Every VM of the plan as it would be at the target, whatever the conditions. */
  outline(plan: Entry<PlanSpec>): Promise<Outline>;
}

export interface ExaminerSurroundings {
  readonly catalog: CatalogProjection;
  readonly inventory: InventoryService;
  readonly runs: StartedMigrations;
  readonly workers: WorkerAccess;
  readonly installation: string;
  /** Durations of earlier migrations from a source; undefined if none was measured. */
  readonly expected: (providerId: string) => Expected | undefined;
  /** Whether the planner can give worker pods their credentials. */
  readonly podCredentials: () => 'set-up' | 'not-set-up';
  readonly now: () => Date;
}

/** How many VMs' files are read at once to verify their digests. */
const DIGESTS_AT_ONCE = 2;

/** Gathers the facts of a plan from the catalog and the outside, and validates them. */
export class CatalogPlanExaminer implements PlanExaminer {
  constructor(private readonly around: ExaminerSurroundings) {}

  async examine(plan: Entry<PlanSpec>, options: ExaminationOptions = {}): Promise<Examination> {
    const facts = await this.#gather(plan, options);
    const conditions = validatePlan(facts);
    const resolved = isReady(conditions)
      ? resolvePlan(facts, this.around.installation, conditions)
      : undefined;
    return { at: this.around.now().toISOString(), conditions, resolved };
  }

  async outline(plan: Entry<PlanSpec>): Promise<Outline> {
    const facts = await this.#gather(plan);
    const records = resolveVms(facts, this.around.installation);
    return {
      conditions: validatePlan(facts),
      vms: facts.vms.map((planned) => ({ planned, record: records.get(planned) })),
    };
  }

  async #gather(plan: Entry<PlanSpec>, { retried }: ExaminationOptions = {}): Promise<PlanFacts> {
    const { catalog, workers } = this.around;
    const { spec } = plan;
    const source = catalog.findProvider(spec.source);
    const target = catalog.findProvider(spec.target);
    const needsSource = retried === undefined || retried.some(({ isCopied }) => !isCopied);
    const { inventory, problems } = await this.#readSource(source, needsSource, spec.vms);
    const { selection, vms } = plannedVms(spec, inventory, retried);
    const mappings = {
      networkMapping: this.#mapping(spec.networkMapping),
      storageMapping: spec.storageMapping === undefined ? undefined : this.#mapping(spec.storageMapping),
    };
    const seen = await this.#look(plan.id, target, { spec, source, vms, inventory, ...mappings });
    const site = source && target && sharedSite(source.spec.sites, target.spec.sites);
    return {
      planId: plan.id,
      spec,
      source: source && providerFacts(source, problems),
      target: target && providerFacts(target, seen?.problems ?? []),
      ...mappings,
      inventory,
      selection,
      vms,
      view: seen?.view,
      digests: spec.type === 'conversion' ? new Map() : await this.#digests(source, vms),
      expected: source && this.around.expected(source.id),
      site,
      workers: site === undefined ? undefined : readingInPods(await workers.at(site), target?.spec),
      pods: this.#pods(target),
    };
  }

  async #readSource(
    source: Entry<ProviderSpec> | undefined,
    isNeeded: boolean,
    meant: PlanSpec['vms'],
  ): Promise<{ readonly inventory: Inventory | undefined; readonly problems: readonly InventoryProblem[] }> {
    if (source === undefined || isTarget(source.spec)) return { inventory: undefined, problems: [] };
    const { inventory } = this.around;
    if (!isNeeded) return { inventory: inventory.known(source), problems: [] };
    const problems = await inventory.problemsOf(source);
    if (problems.some(hinders)) return { inventory: undefined, problems };
    try {
      // Read again: a start must record the current state, not an old one.
      const now = await inventory.current(source);
      const find = finder(now.vms);
      const isThere = meant.every(({ ref }) => find(ref).length > 0);
      // A live source may not have reported a VM that was made a moment ago.
      const isLate = !isThere && inventory.liveness(source) === 'live';
      return { inventory: isLate ? await inventory.refresh(source) : now, problems };
    } catch (error) {
      return {
        inventory: undefined,
        problems: [...problems, { item: source.spec.name, code: 'NotReadable', message: reasonOf(error) }],
      };
    }
  }

  #mapping(ref: string): MappingFacts | undefined {
    const { catalog } = this.around;
    const mapping: Entry<MappingSpec> | undefined = catalog.findMapping(ref);
    return (
      mapping && {
        id: mapping.id,
        spec: mapping.spec,
        sourceId: catalog.findProvider(mapping.spec.source)?.id,
        targetId: catalog.findProvider(mapping.spec.target)?.id,
      }
    );
  }

  async #look(
    planId: string,
    target: Entry<ProviderSpec> | undefined,
    plan: Parameters<typeof planAtTarget>[0] & Pick<PlanFacts, 'vms'>,
  ): Promise<Looked<TargetView> | undefined> {
    if (target === undefined || !isTarget(target.spec)) return undefined;
    const { runs } = this.around;
    const retried = new Set(
      plan.vms.flatMap(({ vm, isRetried }) => (isRetried && vm !== undefined ? [vm.id] : [])),
    );
    const isOwn = ({ planId: of, source }: VmRecord): boolean => of === planId && retried.has(source.vm.id);
    const use = { places: usersOfPlaces(runs, target), disks: usersOfDisks(runs, target, isOwn) };
    return targetOf(target.spec.type).look(target.spec, planAtTarget(plan, target.spec), use);
  }

  #pods(target: Entry<ProviderSpec> | undefined): PodsForPlan {
    if (environmentOfPods(target?.spec) === undefined) return 'not-needed';
    return this.around.podCredentials() === 'set-up' ? 'ready' : 'without-credentials';
  }

  async #digests(
    source: Entry<ProviderSpec> | undefined,
    vms: readonly PlannedVm[],
  ): Promise<PlanFacts['digests']> {
    const digests = new Map<string, readonly InventoryProblem[]>();
    if (source === undefined) return digests;
    const waiting = vms.flatMap(({ vm, isCopied }) => (vm === undefined || isCopied ? [] : [vm]));
    const work = async (): Promise<void> => {
      for (let vm = waiting.pop(); vm !== undefined; vm = waiting.pop())
        digests.set(vm.id, await this.around.inventory.digestProblems(source, vm));
    };
    await Promise.all(Array.from({ length: DIGESTS_AT_ONCE }, work));
    return digests;
  }
}

const providerFacts = (
  { id, spec }: Entry<ProviderSpec>,
  problems: readonly InventoryProblem[],
): ProviderFacts => ({ id, spec, problems });
