import type { StoredRecord } from '../port.js';
import type { Row } from '../rows.js';
import type { Recorded } from './server.js';

/** The event as the shared readers expect it. */
export function rowOf(event: Recorded, prefix: string): Row {
  const { content, ...record } = recordOf(event, prefix);
  return {
    ...record,
    revision: BigInt(record.revision),
    content: Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8'),
  };
}

export function recordOf(event: Recorded, prefix: string): StoredRecord {
  const { streamId, revision, id, position, metadata, data, isJson } = event;
  return {
    stream: streamId.slice(prefix.length),
    revision: String(revision),
    id,
    hash: hashOf(metadata),
    position: String(position?.commit ?? 0n),
    // The log writes bytes. The client has parsed what others wrote as JSON, so what was stored is unknown.
    content: !isJson && data instanceof Uint8Array ? data : new Uint8Array(),
    impossible: [],
  };
}

function hashOf(metadata: unknown): string {
  const hash = typeof metadata === 'object' && metadata !== null && 'hash' in metadata && metadata.hash;
  return typeof hash === 'string' ? hash : '';
}
