import type { Concern, Condition } from '@ledgerlift/contracts';
import { type ConditionTypeName, condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';
import { sourceVms } from './disks.js';

/** Concerns that have a condition of their own; the others are told by category. */
const ownType: Readonly<Record<string, ConditionTypeName>> = {
  'ova.source.unsupported': 'UnsupportedOVFExportSource',
};
const typeOfCategory: Readonly<Record<Concern['category'], ConditionTypeName>> = {
  Critical: 'VMCriticalConcerns',
  Warning: 'VMConcerns',
  Information: 'VMInformation',
};

/** What the provider found to say of the VMs: one condition for each concern, with the VMs that it is about. */
export function checkConcerns(facts: PlanFacts): readonly Condition[] {
  const found = sourceVms(facts).flatMap((vm) => vm.concerns.map((concern) => ({ vm: vm.name, concern })));
  return [...Map.groupBy(found, ({ concern }) => concern.id)].flatMap(([id, same]) => {
    const [first] = same;
    if (first === undefined) return [];
    const vms = [...new Set(same.map(({ vm }) => vm))];
    const { label, category, assessment } = first.concern;
    const type = ownType[id] ?? typeOfCategory[category];
    return [condition(type, id, `${listed(vms)}: ${label}. ${assessment.replace(/[.;\s]+$/, '')}`, vms)];
  });
}
