import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { BadAppend, EventIdReused, RevisionConflict } from '../errors.js';
import { GENESIS_HASH, chainHash } from '../hash-chain.js';
import type {
  AppendResult,
  EventLog,
  ExpectedRevision,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  StoredEvent,
  StreamHead,
  SubscribeOptions,
} from '../port.js';
import { type OwnerLock, acquireOwnership } from './owner-lock.js';
import { eventOf, metadataOf } from './rows.js';
import { prepareSchema } from './schema.js';

export interface SqliteLogOptions {
  readonly path: string;
  /** Called once when another process owns the log, and this one waits until it is gone. */
  readonly onWaiting?: () => void;
  readonly signal?: AbortSignal;
}

interface Pending {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: ExpectedRevision;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

const PAGE = 1000;
/** How often a reader in another process looks for what is new. */
const POLL_MS = 250;

/**
 * Opens the log for appending. One process at a time owns it; a second one waits until the first is gone.
 *
 * @throws NotAnEventLog; the signal's reason
 */
export async function openSqliteLog({ path, onWaiting, signal }: SqliteLogOptions): Promise<EventLog> {
  const lock = await acquireOwnership(`${path}.lock`, onWaiting ?? (() => undefined), signal);
  try {
    return new SqliteLog(openDatabase(path), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Opens a log that another process may own, to read it: for an audit, say. Appending to it is refused. */
export function openSqliteLogForReading(path: string): EventLog {
  return new SqliteLog(new DatabaseSync(path, { readOnly: true }), undefined);
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;');
  prepareSchema(db, path);
  return db;
}

/** The embedded log: WAL, `synchronous=FULL`, and group commit, so that many small appends share one fsync. */
class SqliteLog implements EventLog {
  readonly #insert: StatementSync;
  readonly #head: StatementSync;
  readonly #byId: StatementSync;
  readonly #range: StatementSync;
  #pending: Pending[] = [];
  #isScheduled = false;
  #isClosed = false;
  #appended = Promise.withResolvers<void>();

  constructor(
    private readonly db: DatabaseSync,
    private readonly owner: OwnerLock | undefined,
  ) {
    this.#insert = db.prepare(
      'INSERT INTO events (stream, revision, id, hash, type, version, time, data, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#head = db.prepare(
      'SELECT revision, hash FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1',
    );
    this.#byId = db.prepare('SELECT * FROM events WHERE id = ?');
    this.#range = db.prepare(
      'SELECT * FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision',
    );
  }

  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      if (this.owner === undefined || this.#isClosed) throw new BadAppend('log', 'is not open for appending');
      if (stream === '') throw new BadAppend('stream', 'must have a name');
      if (events.length === 0) throw new BadAppend('events', 'must hold at least one event');
      this.#pending.push({ stream, events, expected, resolve, reject });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // Everything that is asked for until then shares one transaction, and so one fsync.
      setImmediate(() => this.#commit());
    });
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncIterable<StoredEvent> {
    const backwards = options.direction === 'backwards';
    const lowest = (backwards ? options.to : options.from) ?? 0;
    const highest = (backwards ? options.from : options.to) ?? Number.MAX_SAFE_INTEGER;
    const statement = this.db.prepare(
      `SELECT * FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision ${backwards ? 'DESC' : 'ASC'} LIMIT ${PAGE}`,
    );
    let [low, high] = [lowest, highest];
    for (;;) {
      const page = statement.all(stream, low, high).map(eventOf);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      if (backwards) high = last.revision - 1;
      else low = last.revision + 1;
    }
  }

  async *readAll({
    after,
    limit = Number.MAX_SAFE_INTEGER,
    direction,
  }: ReadAllOptions = {}): AsyncIterable<StoredEvent> {
    const backwards = direction === 'backwards';
    const statement = this.db.prepare(
      backwards
        ? 'SELECT * FROM events WHERE position < ? ORDER BY position DESC LIMIT ?'
        : 'SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?',
    );
    let position = after === undefined ? (backwards ? Number.MAX_SAFE_INTEGER : 0) : Number(after);
    let left = limit;
    while (left > 0) {
      const page = statement.all(position, Math.min(left, PAGE)).map(eventOf);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      position = Number(last.position);
      left -= page.length;
    }
  }

  async subscribe({ after, onEvents, onCaughtUp, signal }: SubscribeOptions): Promise<void> {
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const page = this.db.prepare('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?');
    let position = after === undefined ? 0 : Number(after);
    let isBehind = true;
    while (!signal.aborted && !this.#isClosed) {
      const appended = this.#appended.promise;
      const events = page.all(position, PAGE).map(eventOf);
      const last = events.at(-1);
      if (last !== undefined) {
        await onEvents(events);
        position = Number(last.position);
        isBehind = true;
        continue;
      }
      if (isBehind) onCaughtUp?.();
      isBehind = false;
      // The owner hears of each append; a reader in another process has to look.
      await Promise.race(this.owner === undefined ? [aborted, sleep(POLL_MS)] : [aborted, appended]);
    }
  }

  async head(): Promise<string | undefined> {
    const position = this.db.prepare('SELECT max(position) AS position FROM events').get()?.['position'];
    return position === null || position === undefined ? undefined : String(position);
  }

  async streamHead(stream: string): Promise<StreamHead | undefined> {
    const head = this.#headOf(stream);
    return head && { stream, ...head };
  }

  async *streams(): AsyncIterable<StreamHead> {
    const heads = this.db.prepare(
      'SELECT stream, max(revision) AS revision, hash FROM events GROUP BY stream ORDER BY min(position)',
    );
    for (const row of heads.iterate()) {
      yield { stream: String(row['stream']), revision: Number(row['revision']), hash: String(row['hash']) };
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#commit();
    this.#isClosed = true;
    this.#appended.resolve();
    this.db.close();
    this.owner?.release();
  }

  /** One transaction for all pending appends; each of them is all or nothing by itself. */
  #commit(): void {
    const group = this.#pending;
    this.#pending = [];
    this.#isScheduled = false;
    if (group.length === 0) return;
    const settle: (() => void)[] = [];
    try {
      this.db.exec('BEGIN IMMEDIATE');
      for (const pending of group) settle.push(this.#appendOne(pending));
      this.db.exec('COMMIT');
    } catch (error) {
      // The whole transaction is gone, so nobody may be told otherwise: a full disk, say.
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      for (const { reject } of group) reject(error);
      return;
    }
    for (const tell of settle) tell();
    this.#appended.resolve();
    this.#appended = Promise.withResolvers<void>();
  }

  /** Checks before it writes, so that a refused append leaves nothing behind in the shared transaction. */
  #appendOne({ stream, events, expected, resolve, reject }: Pending): () => void {
    const first = expected === 'no-stream' ? 0 : expected + 1;
    const head = this.#headOf(stream);
    const known = events.map(({ id }) => this.#byId.get(id)).find((row) => row !== undefined);
    if (known !== undefined) {
      const there = this.#range.all(stream, first, first + events.length - 1).map(eventOf);
      const isSame =
        there.length === events.length && there.every(({ id }, index) => id === events[index]?.id);
      if (isSame) return () => resolve({ outcome: 'was-there-already', events: there });
      return () => reject(new EventIdReused(String(known['id']), String(known['stream'])));
    }
    const ids = new Set(events.map(({ id }) => id));
    if (ids.size < events.length) return () => reject(new EventIdReused([...ids].join(', '), stream));
    if ((head?.revision ?? -1) !== first - 1) {
      return () => reject(new RevisionConflict(stream, expected, head?.revision));
    }
    const stored = this.#write(stream, events, first, head?.hash ?? GENESIS_HASH);
    return () => resolve({ outcome: 'appended', events: stored });
  }

  #write(
    stream: string,
    events: readonly NewEvent[],
    first: number,
    previousHash: string,
  ): readonly StoredEvent[] {
    let previous = previousHash;
    return events.map((event, index) => {
      const data = JSON.stringify(event.data);
      // Hashed as it will be read back: what JSON cannot hold must not be in the hash either.
      const placed = { ...event, data: JSON.parse(data) as unknown, stream, revision: first + index };
      const hash = chainHash(previous, placed);
      previous = hash;
      const { lastInsertRowid } = this.#insert.run(
        stream,
        placed.revision,
        event.id,
        hash,
        event.type,
        event.version,
        event.time,
        data,
        metadataOf(event),
      );
      return { ...placed, position: String(lastInsertRowid), hash };
    });
  }

  #headOf(stream: string): { readonly revision: number; readonly hash: string } | undefined {
    const row = this.#head.get(stream);
    return row && { revision: Number(row['revision']), hash: String(row['hash']) };
  }
}
