import { BadAppend, EventIdReused } from './errors.js';
import { canonicalContent } from './stored-content.js';
import type { ExpectedRevision, NewEvent, StoredEvent } from './port.js';

/** An event ready to store, but for the previous hash, which only the engine knows for sure. */
export interface PlacedEvent {
  readonly id: string;
  readonly revision: number;
  /** The text that is stored and hashed. */
  readonly content: string;
}

export interface PlacedAppend {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly PlacedEvent[];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CONTROL = /\p{Cc}/u;
const LONGEST_NAME = 255;

/**
 * Gives each event its revision and its canonical form at once, so that a bad append fails alone rather than with the others in
 * its transaction, and later changes by the caller have no effect.
 *
 * @throws BadAppend, EventIdReused
 */
export function placeAppend(
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
): PlacedAppend {
  checkName('stream', stream);
  if (expected !== 'no-stream' && !(Number.isSafeInteger(expected) && expected >= 0)) {
    throw new BadAppend('expected', `${expected} is neither no-stream nor a revision`);
  }
  if (events.length === 0) throw new BadAppend('events', 'must hold at least one event');
  const first = expected === 'no-stream' ? 0 : expected + 1;
  const ids = new Set<string>();
  return {
    stream,
    expected,
    events: events.map((event, index) => {
      const revision = first + index;
      if (ids.has(event.id)) throw new EventIdReused(event.id, stream);
      ids.add(event.id);
      return { id: event.id, revision, content: contentOf(event, stream, revision, `events[${index}]`) };
    }),
  };
}

/** The stored event, parsed from its content as every reader will parse it. */
export function storedEvent(content: string, position: string, hash: string): StoredEvent {
  return { ...(JSON.parse(content) as Omit<StoredEvent, 'position' | 'hash'>), position, hash };
}

function contentOf(event: NewEvent, stream: string, revision: number, at: string): string {
  const { id, type, version, time, data, correlationId, causationId, actor, traceparent, idempotencyKey } =
    event;
  if (!UUID.test(id)) throw new BadAppend(`${at}.id`, `"${id}" is not a UUID in lower case`);
  checkName(`${at}.type`, type);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new BadAppend(`${at}.version`, `${version} is not a whole number from 1`);
  if (!TIME.test(time))
    throw new BadAppend(`${at}.time`, `"${time}" is not a time such as toISOString writes`);
  if (data === undefined) throw new BadAppend(`${at}.data`, 'is missing; null is the JSON for nothing');
  // Picked by name: other properties of the object are not meant for the log.
  const content = {
    ...{ stream, revision, id, type, version, time, data, correlationId, causationId, actor },
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  try {
    return canonicalContent(content);
  } catch (error) {
    throw new BadAppend(at, `cannot be written as JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function checkName(field: string, name: string): void {
  if (name === '' || name.length > LONGEST_NAME || CONTROL.test(name) || !name.isWellFormed()) {
    throw new BadAppend(
      field,
      `"${name.slice(0, LONGEST_NAME)}" must have 1 to ${LONGEST_NAME} characters, none a control character`,
    );
  }
}
