import { conditionsOf } from '@ledgerlift/contracts';

/** What can stand against a plan because its source is OVA files. */
export const ovaConditionTypes = {
  OVADigestMismatch: {
    category: 'Critical',
    when: 'a file of a VM is not what its manifest says, or cannot be read to its end',
    wayOut: 'export or copy the OVA again',
  },
  OVANotReadable: {
    category: 'Warn',
    when: 'a file of the source could not be read, and what is in it is unknown',
    wayOut: 'look at the problems of the inventory, correct the file, and refresh',
  },
  UnsupportedOVFExportSource: {
    category: 'Warn',
    when: 'the OVF was not exported by a tool that is known',
    wayOut: 'look at the result before you rely on it',
  },
} as const;

export const condition = conditionsOf(ovaConditionTypes);
