import type { Column, EventLog, StoredEvent } from '../port.js';

/** A stored value to overwrite behind the log's back. */
export interface Edit {
  readonly column: Column | 'content';
  /** Bytes for text, even if they are not UTF-8. */
  readonly value: Uint8Array | bigint;
}

export interface Place {
  readonly stream: string;
  readonly revision: number;
}

/** A separate log for one test, on the adapter under test. */
export interface LogUnderTest {
  readonly log: EventLog;
  /** Closes `log` and reopens it; from then on that is `log`. */
  reopen(): Promise<EventLog>;
  /** Opens the same log like a process beside the owner. The caller closes it. */
  openReader(): Promise<EventLog>;
  /** Cuts every connection of `log` to its engine; does nothing for an engine in the process. */
  loseConnections(): Promise<void>;
  /**
   * Overwrites columns of one record behind the log's back, as anyone with the database could, calls `look`, and restores them.
   * Returns undefined if the engine cannot hold such a value. Absent if the engine does not allow edits at all.
   */
  edited?<T>(place: Place, edits: readonly Edit[], look: () => Promise<T>): Promise<T | undefined>;
  destroy(): Promise<void>;
}

export async function all(events: AsyncIterable<StoredEvent>): Promise<readonly StoredEvent[]> {
  return Array.fromAsync(events);
}

export async function revisions(events: AsyncIterable<StoredEvent>): Promise<readonly number[]> {
  return (await all(events)).map(({ revision }) => revision);
}
