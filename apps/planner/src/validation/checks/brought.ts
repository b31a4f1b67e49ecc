import type { Condition } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** The disks of a plan for conversion only are at the target already, each once, and nobody else's. */
export function checkBroughtDisks({ spec, vms, brought }: PlanFacts): readonly Condition[] {
  if (spec.type === 'conversion') {
    return vms.flatMap(({ vm }) =>
      (vm === undefined ? [] : (brought.get(vm.id)?.problems ?? [])).map(({ reason, message }) =>
        condition('MissingPvcForOnlyConversion', reason, `'${vm?.name ?? ''}': ${message}`, [vm?.name ?? '']),
      ),
    );
  }
  const unused = vms.flatMap(({ entry, vm }) => (entry.disks === undefined ? [] : [vm?.name ?? entry.ref]));
  if (unused.length === 0) return [];
  const message = `the plan is ${spec.type}, and does not look for the disks that it names of ${listed(unused)}`;
  return [condition('BroughtDisksNotUsed', 'NotConversion', message, unused)];
}

/** A plan for conversion only copies nothing, so that it need say nothing of storage. */
export const needsNoStorage = ({ spec }: Pick<PlanFacts, 'spec'>): boolean =>
  spec.type === 'conversion' && spec.storageMapping === undefined;
