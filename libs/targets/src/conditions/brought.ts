import { type Condition, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget, TargetView } from '../plan.js';
import { sharedConditionTypes } from './types.js';

const condition = conditionsOf(sharedConditionTypes);

/** The disks of a plan for conversion only are at the target already, each once, and nobody else's. Pure. */
export function checkBroughtDisks(
  { spec, vms }: PlanAtTarget,
  brought: TargetView['brought'],
): readonly Condition[] {
  if (spec.type !== 'conversion') return [];
  return vms.flatMap(({ vm }) =>
    (brought.get(vm.id)?.problems ?? []).map(({ reason, message }) =>
      condition('MissingPvcForOnlyConversion', reason, `'${vm.name}': ${message}`, [vm.name]),
    ),
  );
}
