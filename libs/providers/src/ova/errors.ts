import { type InventoryProblem, LedgerliftError } from '@ledgerlift/contracts';

/** Stable codes of the faults of an OVA. */
export const ovaCodes = {
  unreadable: 'LL-OVA-001',
  badTar: 'LL-OVA-002',
  noDescriptor: 'LL-OVA-003',
  badXml: 'LL-OVA-004',
  badOvf: 'LL-OVA-005',
  unsafePath: 'LL-OVA-006',
  missingFile: 'LL-OVA-007',
  badManifest: 'LL-OVA-008',
  digestMismatch: 'LL-OVA-009',
  badUnit: 'LL-OVA-010',
  badDisk: 'LL-OVA-011',
  unsupported: 'LL-OVA-012',
  backingFile: 'LL-OVA-013',
  externalData: 'LL-OVA-014',
  unknownFeature: 'LL-OVA-015',
  parentImage: 'LL-OVA-016',
  foreignExtents: 'LL-OVA-017',
  otherFormat: 'LL-OVA-018',
  overBudget: 'LL-OVA-019',
  linkedTwice: 'LL-OVA-020',
  unusedDisk: 'LL-OVA-021',
} as const;

/** An OVA cannot be used. `field` names the faulty part. */
export class BadOva extends LedgerliftError {
  readonly code: (typeof ovaCodes)[keyof typeof ovaCodes];
  constructor(kind: keyof typeof ovaCodes, message: string, field?: string) {
    super(message, field === undefined ? undefined : { field });
    this.code = ovaCodes[kind];
  }
}

/** Turns an error into an inventory problem. @param item the file or VM that it concerns */
export function problemOf(item: string, error: unknown): InventoryProblem {
  if (error instanceof LedgerliftError) return { item, ...error.details() };
  const reason = error instanceof Error ? error.message : String(error);
  return { item, code: ovaCodes.unreadable, message: `${item} cannot be read: ${reason}` };
}
