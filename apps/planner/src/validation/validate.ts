import type { Condition, ConditionCategory } from '@ledgerlift/contracts';
import { checkAtTarget } from './at-target.js';
import { checkBroughtDisks } from './checks/brought.js';
import { checkCombinations } from './checks/combinations.js';
import { checkConcerns } from './checks/concerns.js';
import { checkConfigurations } from './checks/configurations.js';
import { checkDiskSizes, checkInventoryProblems, checkSharedDisks } from './checks/disks.js';
import { checkMacs, checkNetworksMapped } from './checks/networks.js';
import { checkGuests } from './checks/guests.js';
import { checkOfSource } from './checks/of-source.js';
import { checkWarm } from './checks/warm.js';
import { checkMappings, checkMigrationType, checkProviders } from './checks/providers.js';
import { checkSelection } from './checks/selection.js';
import { checkStoragesMapped } from './checks/storage.js';
import { checkTargetNames, checkVmsExist } from './checks/vms.js';
import { checkHookFolder, checkPodCredentials, checkSites, checkWorkers } from './checks/workers.js';
import type { PlanFacts } from './plan-facts.js';

/**
 * Every check of a plan. A new one is a function here and its types in `condition-types.ts`; one of a single kind of source
 * is its provider's (`planConditions`).
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
  checkBroughtDisks,
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

/** What stands against a plan, the worst first. */
export function validatePlan(facts: PlanFacts): readonly Condition[] {
  return checks
    .flatMap((check) => check(facts))
    .toSorted((one, other) => order.indexOf(one.category) - order.indexOf(other.category));
}

export const isReady = (conditions: readonly Condition[]): boolean =>
  !conditions.some(({ category }) => category === 'Critical');
