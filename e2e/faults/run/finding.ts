export type FindingKind = 'lost' | 'doubled' | 'leaked' | 'stuck';

/** Something that must not be. */
export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

export const found = (kind: FindingKind, what: string): Finding => ({ kind, what });
