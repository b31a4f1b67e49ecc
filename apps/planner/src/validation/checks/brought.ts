import type { Condition } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** Only a plan for conversion looks for disks that another tool brought. */
export function checkBroughtDisks({ spec, vms }: PlanFacts): readonly Condition[] {
  if (spec.type === 'conversion') return [];
  const unused = vms.flatMap(({ entry, vm }) => (entry.disks === undefined ? [] : [vm?.name ?? entry.ref]));
  if (unused.length === 0) return [];
  const message = `the plan is ${spec.type}, and does not look for the disks that it names of ${listed(unused)}`;
  return [condition('BroughtDisksNotUsed', 'NotConversion', message, unused)];
}

/** A plan for conversion only copies nothing, so that it need say nothing of storage. */
export const needsNoStorage = ({ spec }: Pick<PlanFacts, 'spec'>): boolean =>
  spec.type === 'conversion' && spec.storageMapping === undefined;
