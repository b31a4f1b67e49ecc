import { createHash, hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { StoredEvent } from './port.js';

/** What a stream's first event is chained to. */
export const GENESIS_HASH = '0'.repeat(64);

/** An event with its place in its stream: all that is hashed. */
export type ChainedEvent = Omit<StoredEvent, 'position' | 'hash'>;

/**
 * The event in the canonical form of RFC 8785 (https://www.rfc-editor.org/rfc/rfc8785): with all that it holds but the
 * position, which is the engine's, and the hash itself.
 *
 * @throws Error when it holds what has no canonical form: NaN, an infinity, a lone surrogate, a BigInt, a circle
 */
export function canonicalContent(event: ChainedEvent | StoredEvent): string {
  // Left out by name, so that whatever somebody adds to a stored event is hashed too, and thereby found.
  return canonicalize({ ...event, position: undefined, hash: undefined }) ?? '';
}

/** SHA-256, hex, over the previous hash as hex and the canonical content, both as UTF-8. */
export function linkHash(previous: string, content: string): string {
  return hash('sha256', previous + content, 'hex');
}

/** The same for content as it is stored, so that no decoding stands between the stored bytes and the hash. */
export function linkHashOfBytes(previous: string, content: Uint8Array): string {
  return createHash('sha256').update(previous).update(content).digest('hex');
}

/**
 * @param previous hash of the event before it in its stream; `GENESIS_HASH` for the first
 * @returns the hash that the event must have there
 */
export function chainHash(previous: string, event: ChainedEvent | StoredEvent): string {
  return linkHash(previous, canonicalContent(event));
}
