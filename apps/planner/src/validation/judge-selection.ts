import type { Condition, Inventory, PlanSpec, SourceVm } from '@ledgerlift/contracts';
import { checkSelection } from './checks/selection.js';
import { checkTargetNames, checkVmsExist } from './checks/vms.js';
import { plannedVms } from './facts/planned-vms.js';
import type { PlannedVm } from './plan-facts.js';

export interface JudgedSelection {
  readonly vms: readonly PlannedVm[];
  readonly leftOut: readonly SourceVm[];
  /** What validation would say of the selection; it looks at nothing else of the plan. */
  readonly conditions: readonly Condition[];
}

/** Which VMs a plan means in an inventory, and what is wrong with that. */
export function judgeSelection(spec: PlanSpec, inventory: Inventory): JudgedSelection {
  const { selection, vms } = plannedVms(spec, inventory);
  const facts = { inventory, selection, vms };
  return {
    vms,
    leftOut: selection.leftOut,
    conditions: [checkSelection, checkVmsExist, checkTargetNames].flatMap((check) => check(facts)),
  };
}
