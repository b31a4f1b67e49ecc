import type { StoredRecord } from '../port.js';
import type { Row } from '../rows.js';
import type { DatabaseRow } from './database.js';

export const EVENT_COLUMNS = 'position, stream, revision, id, hash, content';

/** The row as the shared readers expect it, with the revision as a BigInt. */
export const rowOf = (row: DatabaseRow): Row => ({ ...row, revision: BigInt(String(row['revision'])) });

/** @param last the last position that was given. The database's encoding is UTF-8, so text is never anything else. */
export function recordOf(row: DatabaseRow, last: bigint): StoredRecord {
  const position = BigInt(String(row['position']));
  return {
    stream: String(row['stream']),
    revision: String(row['revision']),
    id: String(row['id']),
    hash: String(row['hash']),
    position: String(position),
    content: Buffer.from(String(row['content'])),
    impossible: position < 1n || position > last ? ['position'] : [],
  };
}
