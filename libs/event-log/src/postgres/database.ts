import { hash } from 'node:crypto';
import { Client, type ClientConfig, Pool, type PoolClient } from 'pg';
import { NETWORK_CODES, type Patience, patiently } from '../patience.js';

/** Runs one statement. Integers come as text, because a bigint may not fit into a number. */
export type Query = (sql: string, values?: readonly unknown[]) => Promise<readonly DatabaseRow[]>;
export type DatabaseRow = Readonly<Record<string, unknown>>;

export interface DatabaseOptions {
  /** `postgres://user@host:port/database`. libpq's variables (`PGPASSWORD`, `PGPASSFILE` …) supply what it leaves out. */
  readonly url: string;
  /** How long work is repeated while the server cannot be reached, in milliseconds: a restart or a failover takes that long. */
  readonly patienceMs: number;
}

/** Connections of a planner: one for appends, the others for reads. */
const MOST_CONNECTIONS = 6;
const CONNECT_MS = 5000;
/** A server whose machine is gone never answers: the connection is then given up. */
const ANSWER_MS = 30_000;
const KEEP_ALIVE_MS = 10_000;

/**
 * An expression for each statement that writes: its commit waits until it is on disk, and on the replicas that the server waits for,
 * even where the role or the database is set to wait for less.
 */
export const SYNCHRONOUS = `CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
  THEN set_config('synchronous_commit', 'on', true) END`;

/** Connections to one PostgreSQL database. Work that finds the server away is repeated until the patience ends. */
export class Database implements Patience {
  readonly isAway = isAway;
  readonly #pool: Pool;
  readonly #config: ClientConfig;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;
  #canPrepare = true;

  constructor(private readonly options: DatabaseOptions) {
    this.#config = {
      connectionString: options.url,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
      // A server whose machine is gone is noticed on an idle connection too.
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      application_name: 'ledgerlift',
    };
    this.#pool = new Pool({ ...this.#config, max: MOST_CONNECTIONS });
    // An idle connection that is lost is replaced at the next use. The connection itself needs a listener too: an error that comes
    // with the greeting is there before anybody has the client, and would end the process.
    this.#pool
      .on('error', () => undefined)
      .on('connect', (client) => void client.on('error', () => undefined));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get patienceMs(): number {
    return this.options.patienceMs;
  }

  /** Runs one statement that may be repeated. @throws LogNotOpen; the server's error, after the patience if it is away */
  query: Query = (sql, values) =>
    patiently(this, () => this.#tracked((client) => queryOf(client)(sql, values)));

  /**
   * Runs one statement that writes, in a transaction of its own. After a lost connection, nobody knows whether it was committed: it
   * is repeated, and must find out.
   *
   * @throws LogNotOpen; the server's error, after the patience if it is away
   */
  write: Query = (sql, values) => {
    const once = async (client: PoolClient): Promise<readonly DatabaseRow[]> => {
      let warning: string | undefined;
      const onNotice = ({ code, message }: Warning): void => {
        if (code?.startsWith(WARNINGS) === true) warning = message ?? code;
      };
      client.on('notice', onNotice);
      try {
        const rows = await this.#prepared(client, sql, values);
        // The wait for the replicas was broken off (statement_timeout, pg_cancel_backend): the server has it, they may not.
        if (warning !== undefined) throw new Error(`${NOT_SAFE}: ${warning}`);
        return rows;
      } finally {
        client.off('notice', onNotice);
      }
    };
    return patiently(this, () => this.#tracked(once));
  };

  /**
   * Runs `work` in a transaction. After a lost connection, nobody knows whether it was committed: `work` is repeated and must
   * find out.
   *
   * @throws LogNotOpen; what `work` throws, and the server's error, after the patience if it is away
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const once = async (client: PoolClient): Promise<T> => {
      const query = queryOf(client);
      await query('BEGIN');
      try {
        const result = await work(query);
        await query('COMMIT');
        return result;
      } catch (error) {
        if (!isAway(error)) await query('ROLLBACK');
        throw error;
      }
    };
    return patiently(this, () => this.#tracked(once));
  }

  /** A connection outside the pool, for notifications. The caller connects and ends it. */
  newClient(): Client {
    return new Client(this.#config);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // The pool would never answer a request for a connection that is still under way when it ends.
    await Promise.allSettled(this.#underWay);
    await this.#pool.end();
  }

  /** Has the server parse and plan a statement once for each connection: that takes as long as an append does. */
  async #prepared(
    client: PoolClient,
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly DatabaseRow[]> {
    if (!this.#canPrepare) return queryOf(client)(sql, values);
    try {
      const { rows } = await client.query<DatabaseRow>({
        name: hash('sha256', sql).slice(0, 32),
        text: sql,
        values: [...values],
      });
      return rows;
    } catch (error) {
      // PgBouncer pools by transaction: the next one may meet a server process that does not know the name, or has it already.
      if (!PREPARED.has(codeOf(error))) throw error;
      this.#canPrepare = false;
      return queryOf(client)(sql, values);
    }
  }

  /** One attempt, which `close` waits for. */
  async #tracked<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const attempt = this.#once(work);
    this.#underWay.add(attempt);
    try {
      return await attempt;
    } finally {
      this.#underWay.delete(attempt);
    }
  }

  async #once<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failure: unknown;
    const onError = (error: unknown): void => void (failure = error);
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      if (isAway(error)) failure = error;
      throw error;
    } finally {
      client.off('error', onError);
      client.release(failure !== undefined);
    }
  }
}

const queryOf =
  (client: PoolClient): Query =>
  async (sql, values = []) => {
    const { rows } = await client.query<DatabaseRow>(sql, [...values]);
    return rows;
  };

// https://www.postgresql.org/docs/15/errcodes-appendix.html: connections (08), operator intervention (57P), too many
// connections, and a server that is a replica (not yet promoted after a failover).
const SQLSTATES = /^(?:08...|57P0[1235]|53300|25006)$/;
const NOT_SAFE = 'The commit may not be safe';
/** Errors of the client itself have no code. */
const MESSAGES = new RegExp(
  `^(?:Connection terminated|timeout e|Query read timeout|Client has encountered a connection error|${NOT_SAFE})`,
);
const UNIQUE_VIOLATION = '23505';
interface Warning {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}
/** Class of SQLSTATEs; a severity would be in the server's language. */
const WARNINGS = '01';

/** A prepared statement is not there, or there already. */
const PREPARED = new Set(['26000', '42P05']);

/** Whether a row was refused because there is one with the same key. */
export const isDuplicate = (error: unknown): boolean => codeOf(error) === UNIQUE_VIOLATION;

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** Whether the server cannot be reached, or does not take work now: the same may succeed later. */
export function isAway(error: unknown): boolean {
  // By its shape, because `instanceof Error` is false for errors from another realm.
  if (typeof error !== 'object' || error === null) return false;
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.some(isAway);
  const code = codeOf(error);
  const message = 'message' in error ? String(error.message) : '';
  return SQLSTATES.test(code) || NETWORK_CODES.has(code) || (code === '' && MESSAGES.test(message));
}
