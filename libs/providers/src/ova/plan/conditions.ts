import type { Condition } from '@ledgerlift/contracts';
import { type SourcePlanFacts, vmsOf } from '../../plan-facts.js';
import { condition } from './condition-types.js';

/** What the files of the plan's VMs hold is what their manifest says. */
export const ovaPlanConditions = (facts: SourcePlanFacts): readonly Condition[] =>
  vmsOf(facts).flatMap((vm) =>
    (facts.digests.get(vm.id) ?? []).map(({ item, code, message }) =>
      condition('OVADigestMismatch', code, `'${vm.name}', ${item}: ${message}`, [vm.name, item]),
    ),
  );
