import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { LogNotOpen } from '../errors.js';
import type { Lease } from '../lease.js';
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
import { eventOf, headOf, type Place, placeOf, positionNumber, rowsAfter } from '../rows.js';
import { WakeUp } from '../wake-up.js';
import { Appender, CHANNEL } from './appender.js';
import { type Database, type DatabaseRow, isAway } from './database.js';
import { EVENT_COLUMNS, recordOf, rowOf } from './rows.js';

const PAGE = 500;
/** Notifications are a hint only: they may be lost with the connection, so a reader also looks by itself. */
const POLL_MS = 1000;
const RECONNECT_MS = 500;
/** Bounds of a bigint: a forged position or revision can be any value. */
const [LOWEST, HIGHEST] = [-(2n ** 63n), 2n ** 63n - 1n];

export interface Owner {
  readonly lease: Lease;
  /** The last position when it was taken. */
  readonly last: bigint;
}

/** The log in a PostgreSQL database. */
export class PostgresLog implements EventLog {
  readonly #appender: Appender | undefined;
  readonly #grown = new WakeUp();
  #listening: Promise<void> | undefined;
  #listener: Client | undefined;

  constructor(
    private readonly database: Database,
    private readonly owner: Owner | undefined,
  ) {
    if (owner === undefined) return;
    this.#appender = new Appender(database, owner.lease, owner.last, () => this.#grown.wake());
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    if (this.database.isClosed || this.#appender === undefined) throw new LogNotOpen('appending');
    return this.#appender.add(placeAppend(stream, events, expected));
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncIterable<StoredEvent> {
    const isBackwards = options.direction === 'backwards';
    let low = BigInt((isBackwards ? options.to : options.from) ?? 0);
    let high = isBackwards ? options.from : options.to;
    const order = isBackwards ? 'DESC' : 'ASC';
    for (;;) {
      const rows = await this.#events(
        `stream = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision ${order} LIMIT ${PAGE}`,
        [stream, low, high ?? HIGHEST],
      );
      for (const row of rows) yield eventOf(rowOf(row));
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      if (isBackwards) high = Number(last['revision']) - 1;
      else low = BigInt(String(last['revision'])) + 1n;
    }
  }

  async *readAll({ after, limit = Infinity, direction }: ReadAllOptions = {}): AsyncIterable<StoredEvent> {
    if (direction === 'backwards') {
      yield* this.#readBackwards(positionNumber(after), limit);
      return;
    }
    let place: Place = { position: positionNumber(after) ?? 0 };
    for (let left = limit; left > 0; left -= PAGE) {
      const size = Math.min(left, PAGE);
      const rows = await this.#rowsAfter(place, size);
      for (const row of rows) yield eventOf(rowOf(row));
      const last = rows.at(-1);
      if (last === undefined || rows.length < size) return;
      place = placeOf(last);
    }
  }

  async *#readBackwards(before: bigint | number = HIGHEST, limit: number): AsyncIterable<StoredEvent> {
    let position: unknown = before;
    for (let left = limit; left > 0; left -= PAGE) {
      const rows = await this.#events(`position < $1 ORDER BY position DESC LIMIT ${Math.min(left, PAGE)}`, [
        position,
      ]);
      for (const row of rows) yield eventOf(rowOf(row));
      if (rows.length < PAGE) return;
      position = rows.at(-1)?.['position'];
    }
  }

  async *readStored(): AsyncIterable<StoredRecord> {
    for (let next = LOWEST; ;) {
      const rows = await this.#events(`position >= $1 ORDER BY position LIMIT ${PAGE}`, [next]);
      // Read after the page, because it only grows.
      const [log] = await this.database.query('SELECT last FROM ledgerlift_log');
      for (const row of rows) yield recordOf(row, BigInt(String(log?.['last'] ?? 0)));
      const last = rows.at(-1)?.['position'];
      if (last === undefined || rows.length < PAGE || BigInt(String(last)) === HIGHEST) return;
      next = BigInt(String(last)) + 1n;
    }
  }

  async subscribe({ after, onEvents, onCaughtUp, signal }: SubscribeOptions): Promise<void> {
    let place: Place = { position: positionNumber(after) ?? 0 };
    this.#listening ??= this.#listen();
    let isBehind = true;
    while (!signal.aborted && !this.database.isClosed) {
      const rows = await this.#newRows(place);
      if (rows === undefined) continue;
      const last = rows.at(-1);
      if (last !== undefined) {
        await onEvents(rows.map((row) => eventOf(rowOf(row))));
        place = placeOf(last);
        isBehind = true;
        continue;
      }
      if (this.database.isClosed) return;
      if (isBehind) onCaughtUp?.();
      isBehind = false;
      await this.#grown.sleep(signal, POLL_MS);
    }
  }

  async head(): Promise<string | undefined> {
    const [row] = await this.database.query(
      'SELECT position FROM ledgerlift_events ORDER BY position DESC LIMIT 1',
    );
    return row && String(row['position']);
  }

  async streamHead(stream: string): Promise<StreamHead | undefined> {
    const [row] = await this.#events('stream = $1 ORDER BY revision DESC LIMIT 1', [stream]);
    return row && headOf(row);
  }

  async *listStreams(prefix = ''): AsyncIterable<StreamHead> {
    // Skips from name to name by the index, without reading events.
    let next = await this.#firstStream('>=', prefix);
    while (next?.startsWith(prefix)) {
      const head = await this.streamHead(next);
      if (head !== undefined) yield head;
      next = await this.#firstStream('>', next);
    }
  }

  owns(): boolean {
    return this.owner?.lease.isHeld === true;
  }

  async close(): Promise<void> {
    if (this.database.isClosed) return;
    await this.#appender?.flush();
    await this.owner?.lease.release();
    await this.database.close();
    this.#grown.wake();
    await this.#listener?.end().catch(() => undefined);
    await this.#listening;
  }

  #events(where: string, values: readonly unknown[]): Promise<readonly DatabaseRow[]> {
    return this.database.query(`SELECT ${EVENT_COLUMNS} FROM ledgerlift_events WHERE ${where}`, values);
  }

  async #rowsAfter(place: Place, size: number): Promise<readonly DatabaseRow[]> {
    const rows = await this.#events(`position >= $1 ORDER BY position LIMIT ${size + 1}`, [place.position]);
    return rowsAfter(rows, place, size);
  }

  /** @returns undefined if the server was away for longer than the patience, or the log was closed */
  async #newRows(place: Place): Promise<readonly DatabaseRow[] | undefined> {
    try {
      return await this.#rowsAfter(place, PAGE);
    } catch (error) {
      if (isAway(error) || this.database.isClosed) return undefined;
      throw error;
    }
  }

  async #firstStream(comparison: '>' | '>=', name: string): Promise<string | undefined> {
    const [row] = await this.#events(`stream ${comparison} $1 ORDER BY stream LIMIT 1`, [name]);
    return row && String(row['stream']);
  }

  /** Wakes the subscriptions at each notification, and after each lost connection, until the log is closed. */
  async #listen(): Promise<void> {
    while (!this.database.isClosed) {
      const client = this.database.newClient();
      this.#listener = client;
      const ended = new Promise<void>((resolve) => client.once('end', resolve));
      client.on('error', () => undefined).on('notification', () => this.#grown.wake());
      try {
        // `connect` never settles if the client is ended meanwhile.
        await Promise.race([client.connect(), ended]);
        await client.query(`LISTEN ${CHANNEL}`);
        await ended;
      } catch {
        // Subscriptions look by themselves meanwhile.
      }
      await client.end().catch(() => undefined);
      this.#grown.wake();
      if (!this.database.isClosed) await sleep(RECONNECT_MS);
    }
  }
}
