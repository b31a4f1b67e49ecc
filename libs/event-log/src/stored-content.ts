import { isUtf8 } from 'node:buffer';
import canonicalize from 'canonicalize';
import type { Column, StoredRecord } from './port.js';

/** What the stored bytes of an event say, and how far they are what `append` writes. */
export type StoredContent =
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'event';
      /** Whether the bytes are the canonical form of what they say: no other spelling of an event is ever stored. */
      readonly isCanonical: boolean;
      readonly stream: unknown;
      readonly revision: unknown;
      readonly id: unknown;
    };

/** Never throws, whatever the bytes are. */
export function readContent(bytes: Uint8Array): StoredContent {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'unreadable' };
  }
  if (!isUtf8(bytes) || !isObject(value)) return { kind: 'unreadable' };
  const { stream, revision, id } = value;
  return { kind: 'event', isCanonical: canonicalText(value) === text, stream, revision, id };
}

/** The columns that do not hold what the content says, or what the engine cannot have written. */
export function wrongColumns(
  { stream, revision, id, impossible }: StoredRecord,
  content: StoredContent,
): readonly Column[] {
  const wrong = new Set(impossible);
  if (revisionNumber(revision) === undefined) wrong.add('revision');
  if (content.kind === 'event') {
    if (content.stream !== stream) wrong.add('stream');
    if (content.revision !== revisionNumber(revision)) wrong.add('revision');
    if (content.id !== id) wrong.add('id');
  }
  return [...wrong];
}

/** @returns undefined when no event can have this revision: it is negative, or no safe integer */
export function revisionNumber(text: string): number | undefined {
  const revision = Number(text);
  return Number.isSafeInteger(revision) && revision >= 0 && String(revision) === text ? revision : undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function canonicalText(value: unknown): string | undefined {
  try {
    return canonicalize(value);
  } catch {
    // A lone surrogate, written as an escape: JSON has it, the canonical form does not.
    return undefined;
  }
}
