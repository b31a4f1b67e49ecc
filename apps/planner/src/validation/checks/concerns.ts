import type { Concern, Condition } from '@ledgerlift/contracts';
import { meaningOfConcern } from '@ledgerlift/providers';
import { type ConditionTypeName, conditionNamed, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';
import { sourceVms } from './disks.js';

/** About what only some plans do. */
function matters(id: string, { type, skipGuestConversion }: PlanFacts['spec']): boolean {
  switch (meaningOfConcern(id).of) {
    case 'reading':
      return type !== 'conversion';
    case 'warm':
      return type === 'warm';
    case 'conversion':
      return !skipGuestConversion;
    default:
      return true;
  }
}

const typeOfCategory: Readonly<Record<Concern['category'], ConditionTypeName>> = {
  Critical: 'VMCriticalConcerns',
  Warning: 'VMConcerns',
  Information: 'VMInformation',
};

/** What the provider found to say of the VMs: one condition for each concern, with the VMs that it is about. */
export function checkConcerns(facts: PlanFacts): readonly Condition[] {
  const found = sourceVms(facts).flatMap((vm) =>
    vm.concerns.filter(({ id }) => matters(id, facts.spec)).map((concern) => ({ vm: vm.name, concern })),
  );
  return [...Map.groupBy(found, ({ concern }) => concern.id)].flatMap(([id, same]) => {
    const [first] = same;
    if (first === undefined) return [];
    const vms = [...new Set(same.map(({ vm }) => vm))];
    const { category, assessment } = first.concern;
    const label = listed([...new Set(same.map(({ concern }) => concern.label))], 3);
    const type = meaningOfConcern(id).type ?? typeOfCategory[category];
    return [conditionNamed(type, id, `${listed(vms)}: ${label}. ${assessment.replace(/[.;\s]+$/, '')}`, vms)];
  });
}
