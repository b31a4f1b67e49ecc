import type { Condition, ConditionCategory, Inventory, PlanSpec, SourceVm } from '@ledgerlift/contracts';
import { checkAtTarget } from './at-target.js';
import { checkCombinations, checkWarm } from './checks/settings.js';
import {
  checkConcerns,
  checkConfigurations,
  checkDiskSizes,
  checkGuests,
  checkInventoryProblems,
  checkSelection,
  checkSharedDisks,
  checkTargetNames,
  checkVmsExist,
} from './checks/vms.js';
import {
  checkAdoptedDisks,
  checkMacs,
  checkMappings,
  checkNetworksMapped,
  checkStoragesMapped,
} from './checks/mappings.js';
import {
  checkHookFolder,
  checkMigrationType,
  checkOfSource,
  checkPodCredentials,
  checkProviders,
  checkSites,
  checkWorkers,
} from './checks/providers.js';
import { type PlanFacts, type PlannedVm, plannedVms } from './plan-facts.js';

/**
 * Every check of a plan. A new check is a function here, with its types in `condition-types.ts`. A check for one kind of source
 * belongs to its provider (`planConditions`).
 */
const checks: readonly ((facts: PlanFacts) => readonly Condition[])[] = [
  checkProviders,
  checkMigrationType,
  checkWarm,
  checkOfSource,
  checkGuests,
  checkCombinations,
  checkMappings,
  checkSelection,
  checkVmsExist,
  checkConfigurations,
  checkTargetNames,
  checkNetworksMapped,
  checkMacs,
  checkStoragesMapped,
  checkAdoptedDisks,
  checkAtTarget,
  checkDiskSizes,
  checkSharedDisks,
  checkInventoryProblems,
  checkConcerns,
  checkSites,
  checkWorkers,
  checkPodCredentials,
  checkHookFolder,
];

const order: readonly ConditionCategory[] = ['Critical', 'Error', 'Warn', 'Advisory'];

/** The conditions of a plan, the worst first. */
export function validatePlan(facts: PlanFacts): readonly Condition[] {
  return checks
    .flatMap((check) => check(facts))
    .toSorted((one, other) => order.indexOf(one.category) - order.indexOf(other.category));
}

export const isReady = (conditions: readonly Condition[]): boolean =>
  !conditions.some(({ category }) => category === 'Critical');

export interface JudgedSelection {
  readonly vms: readonly PlannedVm[];
  readonly leftOut: readonly SourceVm[];
  /** Conditions of the selection alone, without the rest of the plan. */
  readonly conditions: readonly Condition[];
}

/** Looks up the VMs that a plan selects in an inventory, with the conditions of that selection. */
export function judgeSelection(spec: PlanSpec, inventory: Inventory): JudgedSelection {
  const { selection, vms } = plannedVms(spec, inventory);
  const facts = { inventory, selection, vms };
  return {
    vms,
    leftOut: selection.leftOut,
    conditions: [checkSelection, checkVmsExist, checkTargetNames].flatMap((check) => check(facts)),
  };
}
