import { UnreadableEvent } from '../errors.js';
import { storedEvent } from '../placed-append.js';
import type { StoredEvent, StreamHead } from '../port.js';

type Row = Record<string, unknown>;

/**
 * The columns win over the content: whoever changes either of them changes the event that is read, and so its hash.
 *
 * @throws UnreadableEvent
 */
export function eventOf(row: Row): StoredEvent {
  const [stream, revision, position] = [
    String(row['stream']),
    Number(row['revision']),
    String(row['position']),
  ];
  try {
    const event = storedEvent(String(row['content']), position, String(row['hash']));
    return Object.assign(event, { id: String(row['id']), stream, revision });
  } catch {
    throw new UnreadableEvent(stream, revision, position);
  }
}

export function headOf(row: Row): StreamHead {
  return { stream: String(row['stream']), revision: Number(row['revision']), hash: String(row['hash']) };
}
