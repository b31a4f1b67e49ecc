import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LogNotOpen } from '../errors.js';
import { placeAppend } from '../placed-append.js';
import type {
  AppendResult,
  EventLog,
  ExpectedRevision,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  StoredEvent,
  StoredRecord,
  StreamHead,
  SubscribeOptions,
} from '../port.js';
import { eventOf, headOf, type Place, placeOf, positionNumber, type Row, rowsAfter } from '../rows.js';
import { WakeUp } from '../wake-up.js';
import { GroupCommit } from './group-commit.js';
import type { OwnerLock } from './open.js';
import { RECORD_COLUMNS, recordOf } from './rows.js';

/** This process's access to the file. */
export type Access =
  { readonly purpose: 'appending'; readonly lock: OwnerLock } | { readonly purpose: 'reading' };

const PAGE = 500;
/** How often a reader in another process polls for new events. */
const POLL_MS = 250;
const LAST = Number.MAX_SAFE_INTEGER;
/** Bounds of an SQLite integer: a forged position can be any value. */
const [LOWEST, HIGHEST] = [-(2n ** 63n), 2n ** 63n - 1n];
/** The embedded log: WAL, `synchronous=FULL`, and group commit. */
export class SqliteLog implements EventLog {
  readonly #writer: GroupCommit | undefined;
  readonly #appended = new WakeUp();
  readonly #statements = new Map<string, StatementSync>();
  #isClosed = false;

  constructor(
    private readonly db: DatabaseSync,
    private readonly access: Access,
  ) {
    if (access.purpose === 'appending') this.#writer = new GroupCommit(db, () => this.#appended.wake());
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    if (this.#isClosed || this.#writer === undefined) throw new LogNotOpen('appending');
    return this.#writer.add(placeAppend(stream, events, expected));
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncIterable<StoredEvent> {
    const isBackwards = options.direction === 'backwards';
    let low = (isBackwards ? options.to : options.from) ?? 0;
    let high = (isBackwards ? options.from : options.to) ?? LAST;
    const order = isBackwards ? 'DESC' : 'ASC';
    const sql = `SELECT * FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision ${order} LIMIT ?`;
    for (;;) {
      const rows = this.#query(sql).all(stream, low, high, PAGE);
      for (const row of rows) yield eventOf(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      if (isBackwards) high = Number(last['revision']) - 1;
      else low = Number(last['revision']) + 1;
      // Pages are read synchronously, so a long read must yield to the event loop.
      await nextTurn();
    }
  }

  async *readAll({ after, limit = LAST, direction }: ReadAllOptions = {}): AsyncIterable<StoredEvent> {
    if (direction === 'backwards') {
      yield* this.#readBackwards(positionNumber(after), limit);
      return;
    }
    let place: Place = { position: positionNumber(after) ?? 0 };
    for (let left = limit; left > 0; left -= PAGE) {
      const size = Math.min(left, PAGE);
      const rows = this.#rowsAfter(place, size);
      for (const row of rows) yield eventOf(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < size) return;
      place = placeOf(last);
      await nextTurn();
    }
  }

  async *#readBackwards(before = LAST, limit: number): AsyncIterable<StoredEvent> {
    const sql = 'SELECT * FROM events WHERE position < ? ORDER BY position DESC LIMIT ?';
    let position = before;
    for (let left = limit; left > 0; left -= PAGE) {
      const rows = this.#query(sql).all(position, Math.min(left, PAGE));
      for (const row of rows) yield eventOf(row);
      if (rows.length < PAGE) return;
      position = Number(rows.at(-1)?.['position']);
      await nextTurn();
    }
  }

  async *readStored(): AsyncIterable<StoredRecord> {
    const sql = `SELECT ${RECORD_COLUMNS} FROM events WHERE position >= ? ORDER BY events.position LIMIT ?`;
    for (let next = LOWEST; ;) {
      const rows = this.#query(sql).all(next, PAGE);
      // Read after the page, because it only grows.
      const given = this.#query("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get();
      for (const row of rows) yield recordOf(row, BigInt(String(given?.['seq'] ?? 0)));
      const last = rows.at(-1)?.['position'];
      if (typeof last !== 'bigint' || rows.length < PAGE || last === HIGHEST) return;
      next = last + 1n;
      await nextTurn();
    }
  }

  async subscribe({ after, onEvents, onCaughtUp, signal }: SubscribeOptions): Promise<void> {
    let place: Place = { position: positionNumber(after) ?? 0 };
    let isBehind = true;
    while (!signal.aborted && !this.#isClosed) {
      const rows = this.#rowsAfter(place, PAGE);
      const last = rows.at(-1);
      if (last !== undefined) {
        await onEvents(rows.map(eventOf));
        place = placeOf(last);
        isBehind = true;
        if (rows.length === PAGE) await nextTurn();
        continue;
      }
      if (isBehind) onCaughtUp?.();
      isBehind = false;
      // The owner is notified of each append; a reader in another process must poll.
      await this.#appended.sleep(signal, this.#writer === undefined ? POLL_MS : undefined);
    }
  }

  async head(): Promise<string | undefined> {
    const row = this.#query('SELECT position FROM events ORDER BY position DESC LIMIT 1').get();
    return row && String(row['position']);
  }

  async streamHead(stream: string): Promise<StreamHead | undefined> {
    const row = this.#query(
      'SELECT stream, revision, hash, position FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1',
    ).get(stream);
    return row && headOf(row);
  }

  async *listStreams(prefix = ''): AsyncIterable<StreamHead> {
    // Skips from name to name by the index, without reading events.
    let next = this.#firstStream('>=', prefix);
    for (let count = 1; next?.startsWith(prefix); count += 1) {
      const head = await this.streamHead(next);
      if (head !== undefined) yield head;
      next = this.#firstStream('>', next);
      if (count % PAGE === 0) await nextTurn();
    }
  }

  owns(): boolean {
    return this.#writer !== undefined && !this.#isClosed;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#writer?.flush();
    this.#isClosed = true;
    this.#appended.wake();
    this.db.close();
    if (this.access.purpose === 'appending') this.access.lock.release();
  }

  #rowsAfter(place: Place, size: number): readonly Row[] {
    const rows = this.#query('SELECT * FROM events WHERE position >= ? ORDER BY position LIMIT ?');
    return rowsAfter(rows.all(place.position, size + 1), place, size);
  }

  #firstStream(comparison: '>' | '>=', name: string): string | undefined {
    const sql = `SELECT stream FROM events WHERE stream ${comparison} ? ORDER BY stream LIMIT 1`;
    const row = this.#query(sql).get(name);
    return row && String(row['stream']);
  }

  #query(sql: string): StatementSync {
    if (this.#isClosed) throw new LogNotOpen('reading');
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.db.prepare(sql);
    // A forged revision or position may not fit into a number; without this, reading it throws.
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}
