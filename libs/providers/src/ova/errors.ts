import { type FailureClass, type InventoryProblem, LedgerliftError } from '@ledgerlift/contracts';

/** What can be wrong with an OVA, by its stable code. */
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
  foreignFile: 'LL-OVA-013',
} as const;

/** An OVA that cannot be used, with the part of it that is wrong. */
export class BadOva extends LedgerliftError {
  readonly code: (typeof ovaCodes)[keyof typeof ovaCodes];
  /** What is wrong inside an OVA stays so; what cannot be reached may come back, as a share that is mounted again. */
  override readonly failure: FailureClass;
  constructor(kind: keyof typeof ovaCodes, message: string, field?: string) {
    super(message, field === undefined ? undefined : { field });
    this.code = ovaCodes[kind];
    this.failure = kind === 'unreadable' ? 'transient' : 'permanent';
  }
}

/** `ENOENT` and its like; empty where the error is none of the system's. */
export function systemCode(error: unknown): string {
  // By shape: an error may come from another realm, where `instanceof Error` is false.
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : '';
}

/** An error of the system as one of ours; one of ours as it is. */
export function unreadable(path: string, error: unknown, field?: string): BadOva {
  if (error instanceof BadOva) return error;
  const reason = error instanceof Error ? error.message : systemCode(error) || String(error);
  return new BadOva('unreadable', `${path} cannot be read: ${reason}`, field);
}

/** @param item what it is about: a file, a VM */
export function problemOf(item: string, error: unknown): InventoryProblem {
  return { item, ...(error instanceof LedgerliftError ? error : unreadable(item, error)).details() };
}
