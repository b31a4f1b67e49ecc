import { type Condition, conditionsOf } from '@ledgerlift/contracts';
import { type SourcePlanFacts, vmsOf } from '../plan-facts.js';

/** Conditions that only OVA sources raise. */
export const ovaConditionTypes = {
  OVADigestMismatch: {
    category: 'Critical',
    when: 'a file of a VM differs from its manifest, or cannot be read to the end',
    wayOut: 'export or copy the OVA again',
  },
  OVANotReadable: {
    category: 'Warn',
    when: 'a file of the source could not be read, so its content is unknown',
    wayOut: "look at the inventory's problems, correct the file, and refresh",
  },
  UnsupportedOVFExportSource: {
    category: 'Warn',
    when: 'the OVF was exported by an unknown tool',
    wayOut: 'check the result before you rely on it',
  },
} as const;

export const condition = conditionsOf(ovaConditionTypes);

/** Raises a condition for each file of the plan's VMs that differs from its manifest. */
export const ovaPlanConditions = (facts: SourcePlanFacts): readonly Condition[] =>
  vmsOf(facts).flatMap((vm) =>
    (facts.digests.get(vm.id) ?? []).map(({ item, code, message }) =>
      condition('OVADigestMismatch', code, `'${vm.name}', ${item}: ${message}`, [vm.name, item]),
    ),
  );
