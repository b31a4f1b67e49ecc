import type { PlanSelection, PlanSpec } from '@ledgerlift/contracts';
import type { Entry } from '../../catalog/index.js';
import type { JudgedSelection } from '../../validation/index.js';

/** Only VMs that are there: what is not is told by the conditions. */
export function selectionView(
  { id, spec }: Entry<PlanSpec>,
  inventoryTakenAt: string,
  { vms, leftOut, conditions }: JudgedSelection,
): PlanSelection {
  return {
    planId: id,
    inventoryTakenAt,
    vms: vms.flatMap(({ vm, entry, by, targetName, targetNamespace }) =>
      vm === undefined
        ? []
        : [
            {
              sourceId: vm.id,
              name: vm.name,
              ...(vm.folder === undefined ? {} : { folder: vm.folder }),
              targetName,
              targetNamespace,
              wave: entry.wave ?? 1,
              priority: entry.priority ?? spec.priority,
              by: [...by],
            },
          ],
    ),
    leftOut: leftOut.map(({ id: sourceId, name }) => ({ sourceId, name })),
    conditions: [...conditions],
  };
}
