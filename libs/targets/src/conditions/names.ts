import { type Condition, conditionsOf, listed } from '@ledgerlift/contracts';
import { claimNames } from '../name-templates.js';
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

/** No two VMs have claims of one name, which a template may give them; those of one VM differ by the number of the disk. Pure. */
export function checkClaimNames({ spec, vms }: PlanAtTarget): readonly Condition[] {
  if (spec.type === 'conversion') return [];
  const claims = vms.flatMap((at) =>
    claimNames(at).map((name) => ({ place: `${at.targetNamespace}/${name}`, at })),
  );
  return [...Map.groupBy(claims, ({ place }) => place)].flatMap(([place, each]) => {
    // Two VMs of one target name stand against the plan already, whatever their claims are called.
    if (new Set(each.map(({ at }) => at.targetName)).size < 2) return [];
    const names = each.map(({ at }) => at.vm.name);
    const message = `the claim '${place}' would be that of ${listed(names)}`;
    return [condition('ClaimNameNotUnique', 'NotUnique', message, names)];
  });
}
