import type { Actor } from '@ledgerlift/contracts';

/** JSON, opaque to the log: its schema is the business of who appends. */
export type JsonValue = unknown;

/**
 * `no-stream`: the stream must not exist. A number: the revision of its last event. `any` is not offered, for the hash
 * chain needs the previous event.
 */
export type ExpectedRevision = 'no-stream' | number;

/** An event before it has a place in the log. */
export interface NewEvent {
  /** UUIDv7, in lower case. */
  readonly id: string;
  readonly type: string;
  /** Version of the type's schema, from 1. */
  readonly version: number;
  /** ISO 8601 in UTC with milliseconds, as `Date.toISOString` writes it. */
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
  /** 0, 1, 2… in its stream. */
  readonly revision: number;
  /** Place among all events: the engine's own, opaque; ordered by `comparePositions`. */
  readonly position: string;
  /** SHA-256, hex, over the stream's previous hash and this event but for its position. */
  readonly hash: string;
}

/** A column of a stored record. */
export type Column = 'stream' | 'revision' | 'id' | 'hash' | 'position';

/** An event as the engine stores it, not parsed and not checked. An audit reads it; everybody else reads events. */
export interface StoredRecord {
  readonly stream: string;
  /** As decimal digits: a forged revision need not fit into a number. */
  readonly revision: string;
  readonly id: string;
  readonly hash: string;
  readonly position: string;
  /** The stored bytes of the event's canonical form. */
  readonly content: Uint8Array;
  /**
   * Columns whose value the engine cannot have written: text that is not UTF-8 (its field above is then only an
   * approximation), a position that was never given out.
   */
  readonly impossible: readonly Column[];
}

export interface AppendResult {
  /** `was-there-already`: an earlier call has appended these events, and this one has written nothing. */
  readonly outcome: 'appended' | 'was-there-already';
  readonly events: readonly StoredEvent[];
}

export interface ReadStreamOptions {
  /** The revision to begin with, whatever the direction. */
  readonly from?: number;
  /** The revision to end with, whatever the direction. */
  readonly to?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface ReadAllOptions {
  /** Read what comes after this position; backwards, what comes before it. */
  readonly after?: string;
  readonly limit?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface SubscribeOptions {
  /** Give what comes after this position; without it, everything. */
  readonly after?: string;
  /** Gets the events in the log's order. The next batch waits until it has resolved; if it fails, so does `subscribe`. */
  readonly onEvents: (events: readonly StoredEvent[]) => void | Promise<void>;
  /** All that was in the log has been given. Called at least once, and again whenever more came and was given. */
  readonly onCaughtUp?: () => void;
  readonly signal: AbortSignal;
}

export interface StreamHead {
  readonly stream: string;
  /** Of the stream's last event. */
  readonly revision: number;
  readonly hash: string;
}

/** The append-only log: the only truth about every migration. */
export interface EventLog {
  /**
   * Appends to one stream, all or nothing; when it resolves, the events are on disk. The same ids at the same expected
   * revision return the first result. What spans two streams is two decisions.
   *
   * @throws RevisionConflict when the stream is not at `expected`
   * @throws EventIdReused when an id is in the log already, but not as part of this very append
   * @throws BadAppend when an event cannot be stored as it is
   * @throws AppendFailed when the engine failed; append the same again, at the same revision
   * @throws LogNotOpen when the log was closed, or opened for reading
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;
  /** Reads one stream; nothing when there is no such stream. @throws LogNotOpen, UnreadableEvent */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<StoredEvent>;
  /** Reads all streams in the log's order. @throws BadPosition, LogNotOpen, UnreadableEvent */
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEvent>;
  /**
   * Gives what is in the log, then what comes, until the signal aborts or the log is closed: then it resolves. A reader
   * that has been given position N never gets something before N later.
   *
   * @throws BadPosition, UnreadableEvent, and whatever `onEvents` threw
   */
  subscribe(options: SubscribeOptions): Promise<void>;
  /**
   * Reads every stored record in the log's order, also those that no other read shows or can parse. What an editor of
   * the database can have done to a record never makes it throw. For audits. @throws LogNotOpen
   */
  readStored(): AsyncIterable<StoredRecord>;
  /** @returns position of the last event; undefined when the log is empty */
  head(): Promise<string | undefined>;
  /** @returns last revision and hash of a stream; undefined when there is no such stream */
  streamHead(stream: string): Promise<StreamHead | undefined>;
  /** Heads of all streams, or of those whose name begins with `prefix`, in the order of their names. */
  listStreams(prefix?: string): AsyncIterable<StreamHead>;
  /** Resolves when what was asked for before is on disk, and the log is free for the next owner. */
  close(): Promise<void>;
}

/** Positions are decimal numbers of any length: shorter is smaller. @returns below 0, 0, or above 0 */
export function comparePositions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
