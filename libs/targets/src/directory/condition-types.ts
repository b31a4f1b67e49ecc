import type { ConditionCatalogue } from '@ledgerlift/contracts';

/** What can stand against a plan because its target is a directory. */
export const directoryConditionTypes = {
  MissingPvcForOnlyConversion: {
    category: 'Critical',
    when: 'the plan is for conversion only, and a disk of a VM is not at the target (NotFound), is there several times (Ambiguous), has another size than at the source (OtherSize), cannot be converted where it lies (NotUsable), or belongs to another migration (InUse)',
    wayOut:
      "name the VM's files in `disks.files`, or label each in `<file>.labels.json` with `vmID` and, of several, `diskID`",
  },
  TargetNotEnoughRoom: {
    category: 'Critical',
    when: 'the disks of the plan, and what conversion and unpacking write beside them, are larger than the free room at the target',
    wayOut: 'make room, choose another target, split the plan, or lower `maxConcurrentMigrations`',
  },
} as const satisfies ConditionCatalogue;
