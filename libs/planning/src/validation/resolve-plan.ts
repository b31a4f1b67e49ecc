import {
  type Condition,
  type MappingSpec,
  type PlanSpec,
  TargetRecord,
  type VmRecord,
  VmSettings,
} from '@ledgerlift/contracts';
import { type PlanAtTarget, type TargetSpec, isTarget, targetOf } from '@ledgerlift/targets';
import { planAtTarget } from './at-target.js';
import { needsNoStorage } from './checks/mappings.js';
import type { PlanFacts, PlannedVm, ProviderFacts } from './plan-facts.js';

/** A plan resolved for one run. The log keeps this, whatever is edited later. */
export interface ResolvedPlan {
  readonly planId: string;
  readonly spec: PlanSpec;
  readonly networkMapping: MappingSpec;
  /** Absent if nothing is copied. */
  readonly storageMapping?: MappingSpec;
  readonly conditions: readonly Condition[];
  /** Without `migrationId` and `index`, which the run adds. The target lays out the claims of each step. */
  readonly vms: readonly Omit<VmRecord, 'migrationId' | 'index'>[];
}

/**
 * The plan as it would run, with all references resolved.
 *
 * @param facts of a plan without Critical conditions
 * @returns undefined if something is missing nevertheless
 */
export function resolvePlan(
  facts: PlanFacts,
  installation: string,
  conditions: ResolvedPlan['conditions'],
): ResolvedPlan | undefined {
  const { planId, spec, networkMapping, storageMapping } = facts;
  if (networkMapping === undefined || (storageMapping === undefined && !needsNoStorage(facts)))
    return undefined;
  const vms = [...resolveVms(facts, installation).values()];
  if (vms.length !== facts.vms.length) return undefined;
  return {
    planId,
    // Fixes the run's waves and VMs, whatever the selectors match later.
    spec: { ...spec, vms: facts.vms.map(({ entry, vm }) => ({ ...entry, ref: vm?.id ?? entry.ref })) },
    networkMapping: networkMapping.spec,
    ...(storageMapping === undefined ? {} : { storageMapping: storageMapping.spec }),
    conditions,
    vms,
  };
}

/**
 * The record of each VM of a plan, whatever its conditions.
 *
 * @returns no entry for VMs that lack something
 */
export function resolveVms(facts: PlanFacts, installation: string): ReadonlyMap<PlannedVm, Resolved> {
  const { source, target } = facts;
  if (source === undefined || target === undefined || !isTarget(target.spec)) return new Map();
  const to = { id: target.id, spec: target.spec, plan: planAtTarget(facts, target.spec) };
  const existing = facts.vms.filter(({ vm }) => vm !== undefined);
  return new Map(
    existing.flatMap((planned, index): (readonly [PlannedVm, Resolved])[] => {
      const record = resolveVm(facts, planned, index, { installation, source, to });
      return record === undefined ? [] : [[planned, record]];
    }),
  );
}

type Resolved = ResolvedPlan['vms'][number];

interface Ends {
  readonly installation: string;
  readonly source: ProviderFacts;
  readonly to: { readonly id: string; readonly spec: TargetSpec; readonly plan: PlanAtTarget };
}

/** @param index of the VM in the view of the target */
function resolveVm(
  facts: PlanFacts,
  { vm, entry, targetName, targetNamespace }: PlannedVm,
  index: number,
  { installation, source, to }: Ends,
): Resolved | undefined {
  const { spec, planId, view } = facts;
  const { name, sites, type, settings, secret } = to.spec;
  const placed = to.plan.vms[index];
  if (vm === undefined || view === undefined || placed === undefined) return undefined;
  const placement = targetOf(type).place(to.spec, to.plan, placed, view);
  if (placement === undefined) return undefined;
  const { folder, nics, disks } = placement;
  // Steps are sent to the record's sites, so keep only sites that reach both ends.
  const shared = source.spec.sites.filter((site) => sites.includes(site));
  return {
    installation,
    planId,
    planName: spec.name,
    source: { provider: { id: source.id, spec: { ...source.spec, sites: shared } }, vm },
    target: TargetRecord.parse({
      providerId: to.id,
      type,
      name,
      where: targetOf(type).where(to.spec),
      settings,
      ...(secret === undefined ? {} : { secret }),
    }),
    targetName,
    targetNamespace,
    folder,
    nics,
    disks,
    labels: { ...spec.labels, ...entry.labels },
    powerState: entry.targetPowerState ?? spec.targetPowerState,
    ...(Object.keys(placed.machine).length === 0 ? {} : { machine: placed.machine }),
    settings: VmSettings.parse({
      ...spec,
      // Hooks of the plan itself run once for all of its VMs.
      hooks: spec.hooks.filter(({ scope }) => scope !== 'plan'),
      ...(entry.rootDisk === undefined ? {} : { rootDisk: entry.rootDisk }),
      ...(entry.preserveStaticIps === undefined ? {} : { preserveStaticIps: entry.preserveStaticIps }),
      ...(entry.waitForGuestAgent === undefined ? {} : { waitForGuestAgent: entry.waitForGuestAgent }),
      ...(entry.luks === undefined ? {} : { luks: entry.luks }),
      ...(entry.recoveryKeyHeld === undefined ? {} : { recoveryKeyHeld: entry.recoveryKeyHeld }),
      ...(entry.cutoverAt === undefined
        ? {}
        : { warm: { ...spec.warm, cutover: { by: 'time', at: entry.cutoverAt } } }),
    }),
    ...(entry.wave === undefined ? {} : { wave: entry.wave }),
    ...(entry.priority === undefined ? {} : { priority: entry.priority }),
    ...(facts.expected === undefined ? {} : { expected: facts.expected }),
  };
}
