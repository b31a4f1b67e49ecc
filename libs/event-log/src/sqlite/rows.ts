import { isUtf8 } from 'node:buffer';
import { CannotOpenLog, NotAnEventLog, UnreadableEvent } from '../errors.js';
import { storedEvent } from '../placed-append.js';
import type { Column, StoredEvent, StoredRecord, StreamHead } from '../port.js';

/** A row with BigInt integers, because reading a forged one that does not fit into a number must not throw. */
export type Row = Record<string, unknown>;

/**
 * The event of a row. Its columns must match its content, or readers by index and readers of the content would see different
 * histories. Only the audit checks that the content is what was appended, because that costs a hash.
 *
 * @throws UnreadableEvent
 */
export function eventOf(row: Row): StoredEvent {
  const { stream, revision, id, position, content, hash } = row;
  const event = parsed(String(content), String(position), String(hash));
  const isAsItsColumns =
    event !== undefined &&
    event.stream === stream &&
    event.id === id &&
    Number.isSafeInteger(event.revision) &&
    BigInt(event.revision) === revision &&
    // Readers continue after a position: one that is not a safe integer would be delivered again and again.
    Number.isSafeInteger(Number(position)) &&
    Number(position) > 0;
  if (isAsItsColumns) return event;
  throw new UnreadableEvent(String(stream), Number(revision), String(position));
}

/** @throws UnreadableEvent if the row's revision is impossible */
export function headOf({ stream, revision, hash, position }: Row): StreamHead {
  const head = { stream: String(stream), revision: Number(revision), hash: String(hash) };
  if (Number.isSafeInteger(head.revision) && head.revision >= 0) return head;
  throw new UnreadableEvent(head.stream, head.revision, String(position));
}

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

function parsed(content: string, position: string, hash: string): StoredEvent | undefined {
  try {
    return storedEvent(content, position, hash);
  } catch {
    return undefined;
  }
}

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
