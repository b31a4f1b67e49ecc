import type { Actor } from '@ledgerlift/contracts';

/** JSON as it is stored: what cannot be written as JSON cannot be an event. */
export type JsonValue = unknown;

/** `no-stream`: the stream must not exist. A number: revision of the stream's last event. `any` is not offered, for the hash chain needs the previous event. */
export type ExpectedRevision = 'no-stream' | number;

/** An event before it has a place in the log. Its data is validated by who appends. */
export interface NewEvent {
  /** UUIDv7 */
  readonly id: string;
  readonly type: string;
  readonly version: number;
  /** ISO 8601, UTC, milliseconds */
  readonly time: string;
  readonly data: JsonValue;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
}

export interface StoredEvent extends NewEvent {
  readonly stream: string;
  /** 0, 1, 2… in its stream */
  readonly revision: number;
  /** Place among all events: the engine's own, opaque; ordered by `comparePositions`. */
  readonly position: string;
  /** SHA-256, hex, over the stream's previous hash and this event but for its position. */
  readonly hash: string;
}

export interface AppendResult {
  readonly outcome: 'appended' | 'was-there-already';
  readonly events: readonly StoredEvent[];
}

export interface ReadStreamOptions {
  /** First revision that is read; reading backwards, the last one. */
  readonly from?: number;
  /** Last revision that is read; reading backwards, the first one. */
  readonly to?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface ReadAllOptions {
  /** Read what comes after it (before it, backwards). */
  readonly after?: string;
  readonly limit?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface SubscribeOptions {
  readonly after?: string;
  /** Gets the events in the log's order; the next batch waits until it has resolved. */
  readonly onEvents: (events: readonly StoredEvent[]) => void | Promise<void>;
  /** Everything that was in the log has been given; called again after each time it fell behind. */
  readonly onCaughtUp?: () => void;
  readonly signal: AbortSignal;
}

/** The append-only log: the only truth about every migration. */
export interface EventLog {
  /**
   * Appends to one stream, all or nothing. The same ids at the same expected revision return the first result.
   *
   * @throws RevisionConflict, EventIdReused
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<StoredEvent>;
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEvent>;
  /** Resolves when the signal aborts. A reader that has seen position N never gets something before N later. */
  subscribe(options: SubscribeOptions): Promise<void>;
  /** @returns position of the last event; undefined when the log is empty */
  head(): Promise<string | undefined>;
  /** @returns last revision and hash of a stream; undefined when there is no such stream */
  streamHead(stream: string): Promise<StreamHead | undefined>;
  streams(): AsyncIterable<StreamHead>;
  close(): Promise<void>;
}

export interface StreamHead {
  readonly stream: string;
  readonly revision: number;
  readonly hash: string;
}

/** Positions are decimal numbers of any length: shorter is smaller. @returns below 0, 0, or above 0 */
export function comparePositions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
