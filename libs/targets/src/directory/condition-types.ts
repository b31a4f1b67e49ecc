import type { ConditionCatalogue } from '@ledgerlift/contracts';

/** What can stand against a plan because its target is a directory. */
export const directoryConditionTypes = {
  TargetNotEnoughRoom: {
    category: 'Critical',
    when: 'the disks of the plan, and what conversion and unpacking write beside them, are larger than the free room at the target',
    wayOut: 'make room, choose another target, split the plan, or lower `maxConcurrentMigrations`',
  },
} as const satisfies ConditionCatalogue;
