import { type Condition, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget, TargetView } from '../plan.js';
import { sharedConditionTypes } from './types.js';

const condition = conditionsOf(sharedConditionTypes);

/** Nothing of that name is at the target. Pure. */
export function checkNamesFree({ vms }: PlanAtTarget, taken: TargetView['taken']): readonly Condition[] {
  return vms.flatMap(({ vm, targetName, targetNamespace, isRetried }) => {
    const place = `${targetNamespace}/${targetName}`;
    const owner = taken.get(place);
    if (owner === undefined || isRetried) return [];
    return [condition('VMAlreadyExists', 'NotUnique', `'${place}' is taken: ${owner}`, [vm.name])];
  });
}
