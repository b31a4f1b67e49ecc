import type { Actor } from '@ledgerlift/contracts';

/** JSON, opaque to the log. The appender owns its schema. */
export type JsonValue = unknown;

/**
 * `no-stream`: the stream must not exist. A number: the revision of its last event. There is no `any`, because the hash chain
 * needs the previous event.
 */
export type ExpectedRevision = 'no-stream' | number;

/** An event to append. */
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
  /** Position among all events. Opaque, assigned by the engine; compare with `comparePositions`. */
  readonly position: string;
  /** SHA-256, hex, over the stream's previous hash and this event without its position. */
  readonly hash: string;
}

/** A column of a stored record. */
export type Column = 'stream' | 'revision' | 'id' | 'hash' | 'position';

/** A record as the engine stores it, neither parsed nor checked. For audits; all other code reads events. */
export interface StoredRecord {
  readonly stream: string;
  /** Decimal digits, because a forged revision may not fit into a number. */
  readonly revision: string;
  readonly id: string;
  readonly hash: string;
  readonly position: string;
  /** The stored bytes of the event's canonical form. */
  readonly content: Uint8Array;
  /**
   * Columns with a value that the engine cannot have written: text that is not UTF-8 (its field above is then only an
   * approximation), or a position that was never assigned.
   */
  readonly impossible: readonly Column[];
}

export interface AppendResult {
  /** `was-there-already`: an earlier call appended these events, and this one wrote nothing. */
  readonly outcome: 'appended' | 'was-there-already';
  readonly events: readonly StoredEvent[];
}

export interface ReadStreamOptions {
  /** The first revision to read, in the chosen direction. */
  readonly from?: number;
  /** The last revision to read, in the chosen direction. */
  readonly to?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface ReadAllOptions {
  /** Reads events after this position, whose event must be in the log; backwards, events before it. */
  readonly after?: string;
  readonly limit?: number;
  readonly direction?: 'forwards' | 'backwards';
}

export interface SubscribeOptions {
  /** Delivers events after this position; without it, all events. */
  readonly after?: string;
  /** Called with events in the log's order, one batch at a time. If it rejects, so does `subscribe`. */
  readonly onEvents: (events: readonly StoredEvent[]) => void | Promise<void>;
  /** Called whenever all events in the log have been delivered, and at least once. */
  readonly onCaughtUp?: () => void;
  readonly signal: AbortSignal;
}

export interface StreamHead {
  readonly stream: string;
  /** Revision of the stream's last event. */
  readonly revision: number;
  readonly hash: string;
}

/** The append-only log: the single source of truth about every migration. */
export interface EventLog {
  /**
   * Appends to one stream, all or nothing. When it resolves, the events are on disk. Repeating an append with the same ids at the
   * same expected revision returns the first result. Nothing can be appended to two streams at once.
   *
   * @throws RevisionConflict if the stream is not at `expected`
   * @throws EventIdReused if an id is already in the log, but not from this same append
   * @throws BadAppend if an event has invalid content
   * @throws AppendFailed if the engine failed; repeat the append at the same revision
   * @throws LogNotOpen if the log was closed, or opened for reading
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;
  /** Reads one stream; yields nothing if it does not exist. @throws LogNotOpen, UnreadableEvent */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<StoredEvent>;
  /** Reads all streams in the log's order. @throws BadPosition, LogLostEvents, LogNotOpen, UnreadableEvent */
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEvent>;
  /**
   * Delivers the events in the log, then new ones, until the signal aborts or the log is closed; then it resolves. After
   * position N, a subscriber never gets an earlier position.
   *
   * @throws BadPosition, LogLostEvents, UnreadableEvent, and errors of `onEvents`
   */
  subscribe(options: SubscribeOptions): Promise<void>;
  /**
   * Reads every stored record in the log's order, even those that other reads skip or cannot parse. For audits: no manipulation
   * of a record makes it throw. @throws LogNotOpen
   */
  readStored(): AsyncIterable<StoredRecord>;
  /** @returns position of the last event; undefined if the log is empty */
  head(): Promise<string | undefined>;
  /** @returns last revision and hash of a stream; undefined if it does not exist */
  streamHead(stream: string): Promise<StreamHead | undefined>;
  /** Heads of all streams, or of those whose name begins with `prefix`, in order of name. */
  listStreams(prefix?: string): AsyncIterable<StreamHead>;
  /**
   * Whether this process certainly owns the log. If not, another one may append, and what this one has read may be old: it must not
   * answer for the log. Always so on an engine whose owner cannot be replaced while it lives.
   */
  owns(): boolean;
  /** Resolves when all pending appends are on disk and the log is free for the next owner. */
  close(): Promise<void>;
}

/** Positions are decimal numbers of any length: shorter is smaller. @returns below 0, 0, or above 0 */
export function comparePositions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
