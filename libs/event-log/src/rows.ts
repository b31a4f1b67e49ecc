import { BadPosition, LogLostEvents, UnreadableEvent } from './errors.js';
import { storedEvent } from './placed-append.js';
import type { StoredEvent, StreamHead } from './port.js';

/** A row with BigInt integers, because reading a forged one that does not fit into a number must not throw. */
export type Row = Readonly<Record<string, unknown>>;

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

/** Where a reader is in the log: the position of its last event, and the id if it has read it; 0 at the beginning. */
export interface Place {
  readonly position: number;
  readonly id?: string;
}

export const placeOf = ({ position, id }: Row): Place => ({ position: Number(position), id: String(id) });

/**
 * @param rows at least `most` and one from the position of `place` on, itself included, if there are so many: so a reader notices
 * that the log is not the one it was reading
 * @returns `most` rows after `place`, or what there is
 * @throws LogLostEvents
 */
export function rowsAfter<R extends Row>(
  rows: readonly R[],
  { position, id }: Place,
  most: number,
): readonly R[] {
  if (position === 0) return rows.slice(0, most);
  const [here] = rows;
  const isHere = Number(here?.['position']) === position && (id === undefined || here?.['id'] === id);
  if (!isHere) throw new LogLostEvents({ position: String(position) });
  return rows.slice(1, most + 1);
}

// A position that the engine can have assigned, or 0 for the start; within a safe integer.
const POSITION = /^(?:0|[1-9]\d{0,14})$/;

/** @throws BadPosition */
export function positionNumber(position: string | undefined): number | undefined {
  if (position === undefined) return undefined;
  if (!POSITION.test(position)) throw new BadPosition(position);
  return Number(position);
}

function parsed(content: string, position: string, hash: string): StoredEvent | undefined {
  try {
    return storedEvent(content, position, hash);
  } catch {
    return undefined;
  }
}
