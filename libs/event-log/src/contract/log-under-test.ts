import type { Column, EventLog, StoredEvent } from '../port.js';

/** A stored value that somebody overwrites behind the log's back. */
export interface Edit {
  readonly column: Column | 'content';
  /** Bytes for text, also such as are not UTF-8. */
  readonly value: Uint8Array | bigint;
}

export interface Place {
  readonly stream: string;
  readonly revision: number;
}

/** A log of its own for one test, on the adapter that is tested. */
export interface LogUnderTest {
  readonly log: EventLog;
  /** Closes `log`, and opens the same one again: it is `log` from then on. */
  reopen(): Promise<EventLog>;
  /** Another way to the same log, as a process beside the owner has it. The caller closes it. */
  openReader(): Promise<EventLog>;
  /** Cuts every connection of `log` to its engine; does nothing where the engine is in the process. */
  loseConnections(): Promise<void>;
  /**
   * Overwrites columns of one record behind the log's back, as somebody with the database could, looks, and puts them
   * back. Left out where the engine allows no such thing.
   */
  edited?<T>(place: Place, edits: readonly Edit[], look: () => Promise<T>): Promise<T>;
  destroy(): Promise<void>;
}

export async function all(events: AsyncIterable<StoredEvent>): Promise<readonly StoredEvent[]> {
  return Array.fromAsync(events);
}

export async function revisions(events: AsyncIterable<StoredEvent>): Promise<readonly number[]> {
  return (await all(events)).map(({ revision }) => revision);
}
