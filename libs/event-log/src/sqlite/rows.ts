import { isUtf8 } from 'node:buffer';
import { CannotOpenLog, NotAnEventLog } from '../errors.js';
import type { Column, StoredRecord } from '../port.js';
import type { Row } from '../rows.js';

/** The columns for `recordOf`, as bytes, because text in SQLite may be any bytes. */
export const RECORD_COLUMNS = `position, CAST(stream AS BLOB) AS stream, CAST(revision AS TEXT) AS revision,
  CAST(id AS BLOB) AS id, CAST(hash AS BLOB) AS hash, CAST(content AS BLOB) AS content`;

/** @param lastPosition the last position that the engine assigned */
export function recordOf(row: Row, lastPosition: bigint): StoredRecord {
  const impossible: Column[] = [];
  const text = (column: 'stream' | 'id' | 'hash'): string => {
    const bytes = bytesOf(row[column]);
    if (!isUtf8(bytes)) impossible.push(column);
    return Buffer.from(bytes).toString('utf8');
  };
  const position = BigInt(String(row['position']));
  if (position < 1n || position > lastPosition) impossible.push('position');
  return {
    stream: text('stream'),
    revision: String(row['revision']),
    id: text('id'),
    hash: text('hash'),
    position: String(position),
    content: bytesOf(row['content']),
    impossible,
  };
}

const bytesOf = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array());

// https://www.sqlite.org/rescode.html; the lower byte of an extended code is the primary one.
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

export const isBusy = (error: unknown): boolean => primaryCode(error) === SQLITE_BUSY;

/** The error to throw when opening `path` failed with `error`. */
export function openingError(path: string, error: unknown): Error {
  if (error instanceof NotAnEventLog || error instanceof CannotOpenLog) return error;
  if (primaryCode(error) === SQLITE_NOTADB) return new NotAnEventLog(path, 'it is no SQLite database');
  return new CannotOpenLog(path, error);
}

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return Number(error.errcode) & 0xff;
}
