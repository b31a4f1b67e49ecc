import type { Actor } from '@ledgerlift/contracts';
import type { NewEvent, StoredEvent } from '../port.js';

type Row = Record<string, unknown>;

interface Metadata {
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
}

/** Everything of an event that has no column of its own, as JSON. */
export function metadataOf(event: NewEvent): string {
  const { correlationId, causationId, actor, traceparent, idempotencyKey } = event;
  return JSON.stringify({ correlationId, causationId, actor, traceparent, idempotencyKey });
}

/** The columns hold what `append` wrote: they are read back as they are, and the hash tells whether they still are. */
export function eventOf(row: Row): StoredEvent {
  const metadata = JSON.parse(String(row['metadata'])) as Metadata;
  return {
    id: String(row['id']),
    type: String(row['type']),
    version: Number(row['version']),
    time: String(row['time']),
    data: JSON.parse(String(row['data'])),
    ...metadata,
    stream: String(row['stream']),
    revision: Number(row['revision']),
    position: String(row['position']),
    hash: String(row['hash']),
  };
}
