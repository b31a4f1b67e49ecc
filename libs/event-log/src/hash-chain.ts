import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { NewEvent, StoredEvent } from './port.js';

/** What a stream's first event is chained to. */
export const GENESIS_HASH = '0'.repeat(64);

type Chained = NewEvent & Pick<StoredEvent, 'stream' | 'revision'>;

/**
 * Hash of an event in its stream: SHA-256 over the previous hash and the event in the canonical form of RFC 8785
 * (https://www.rfc-editor.org/rfc/rfc8785), with everything but the position, which is the engine's.
 *
 * @returns hex
 */
export function chainHash(previous: string, event: Chained): string {
  const { id, type, version, time, data, correlationId, causationId, actor, traceparent, idempotencyKey } =
    event;
  const content = {
    stream: event.stream,
    revision: event.revision,
    id,
    type,
    version,
    time,
    data,
    correlationId,
    causationId,
    actor,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  return createHash('sha256')
    .update(previous)
    .update(canonicalize(content) ?? '')
    .digest('hex');
}
