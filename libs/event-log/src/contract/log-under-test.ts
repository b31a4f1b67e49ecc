import type { EventLog, StoredEvent } from '../port.js';

/** A log of its own for one test, on the adapter that is tested. */
export interface LogUnderTest {
  readonly log: EventLog;
  /** Closes `log`, and opens the same one again: it is `log` from then on. */
  reopen(): Promise<EventLog>;
  /** Another way to the same log, as a process beside the owner has it. The caller closes it. */
  openReader(): Promise<EventLog>;
  /** Cuts every connection of `log` to its engine; does nothing where the engine is in the process. */
  loseConnections(): Promise<void>;
  destroy(): Promise<void>;
}

export async function all(events: AsyncIterable<StoredEvent>): Promise<readonly StoredEvent[]> {
  return Array.fromAsync(events);
}

export async function revisions(events: AsyncIterable<StoredEvent>): Promise<readonly number[]> {
  return (await all(events)).map(({ revision }) => revision);
}
