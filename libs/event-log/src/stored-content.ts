import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import {
  currentType,
  type DomainEvent,
  eventSchemas,
  type EventType,
  LedgerliftError,
  upcast,
} from '@ledgerlift/contracts';
import canonicalize from 'canonicalize';
import type { Column, StoredEvent, StoredRecord } from './port.js';

/** The hash before a stream's first event. */
export const GENESIS_HASH = '0'.repeat(64);

/** An event with its revision: everything that is hashed. */
export type ChainedEvent = Omit<StoredEvent, 'position' | 'hash'>;

/**
 * The event in the canonical form of RFC 8785 (https://www.rfc-editor.org/rfc/rfc8785), without the position, which belongs to
 * the engine, and without the hash itself.
 *
 * @throws Error for values without a canonical form: NaN, an infinity, a lone surrogate, a BigInt, a cycle
 */
export function canonicalContent(event: ChainedEvent | StoredEvent): string {
  // Excluded by name, so that any field that somebody adds to a stored event is hashed, and thereby found.
  return canonicalize({ ...event, position: undefined, hash: undefined }) ?? '';
}

/** SHA-256, hex, over the previous hash as hex and the canonical content, both as UTF-8. */
export function linkHash(previous: string, content: string): string {
  return hash('sha256', previous + content, 'hex');
}

/** The same for stored bytes, without decoding them first. */
export function linkHashOfBytes(previous: string, content: Uint8Array): string {
  return createHash('sha256').update(previous).update(content).digest('hex');
}

/**
 * @param previous hash of the previous event in the stream; `GENESIS_HASH` for the first
 * @returns the hash that the event must have
 */
export function chainHash(previous: string, event: ChainedEvent | StoredEvent): string {
  return linkHash(previous, canonicalContent(event));
}

/** The parsed bytes of a stored event. */
export type StoredContent =
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'event';
      /** Whether the bytes are in canonical form; `append` stores no other. */
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

/** Columns that contradict the content, or that the engine cannot have written. */
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

/** @returns undefined for an impossible revision: negative, or not a safe integer */
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
    // A lone surrogate, escaped: valid in JSON, but not in the canonical form.
    return undefined;
  }
}

/** The log has an event of a type or version that this planner does not know. Run the version that wrote it. */
export class UnknownEvent extends LedgerliftError {
  readonly code = 'LL-PLN-001';
  constructor(readonly event: StoredEvent) {
    super(
      `event ${event.id} in ${event.stream} is ${event.type} version ${event.version}, which this planner cannot read; ` +
        'run the planner version that wrote it, or a newer one',
    );
  }
}

const isEventType = (type: string): type is EventType => Object.hasOwn(eventSchemas, type);

/**
 * The stored event as the deciders know it. Its data was validated when it was appended and is protected by the
 * hash chain, so it is not validated again: a restart reads hundreds of thousands of them.
 *
 * @throws UnknownEvent
 */
export function domainEvent(event: StoredEvent): DomainEvent {
  const type = currentType(event.type);
  if (!isEventType(type)) throw new UnknownEvent(event);
  const { version } = eventSchemas[type];
  if (event.version > version) throw new UnknownEvent(event);
  return { type, data: upcast(type, event.version, version, event.data) } as DomainEvent;
}
