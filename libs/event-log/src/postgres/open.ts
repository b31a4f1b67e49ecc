import { CannotOpenLog, LogLostEvents, NotAnEventLog } from '../errors.js';
import { Lease } from '../lease.js';
import type { EventLog } from '../port.js';
import { Database, type Query } from './database.js';
import { LeaseRow } from './lease-row.js';
import { PostgresLog } from './postgres-log.js';
import { shownUrl } from './shown-url.js';

const SCHEMA_VERSION = 1;
const LEASE_MS = 5000;
const PATIENCE_MS = 30_000;
/** Of all advisory locks in the database, ours; any number will do. */
const SCHEMA_LOCK = 0x4c4c4f47;

// `content` is the hashed text, byte for byte, so that psql and sha256sum alone can check a chain. Names sort by their
// bytes, as on every engine, whatever the database's collation is.
const TABLES = `
  CREATE TABLE ledgerlift_log (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    schema_version integer NOT NULL,
    last bigint NOT NULL,
    epoch bigint NOT NULL,
    leased_until timestamptz NOT NULL
  );
  CREATE TABLE ledgerlift_events (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    hash text NOT NULL,
    content text NOT NULL,
    UNIQUE (stream, revision)
  );
  INSERT INTO ledgerlift_log (schema_version, last, epoch, leased_until) VALUES (${SCHEMA_VERSION}, 0, 0, '-infinity');
`;

export interface PostgresLogOptions {
  /**
   * `postgres://user@host:port/database`, of an encoding UTF8. libpq's variables (`PGPASSWORD`, `PGPASSFILE` …) supply what it
   * leaves out. The tables are created in the first schema of the role's search path.
   */
  readonly url: string;
  /** Called once if another process owns the log, and this one waits for it to end. */
  readonly onWaiting?: () => void;
  /** Called once if another process took over, because this one was silent for too long. Nothing can be appended any more. */
  readonly onLost?: () => void;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long this process may be silent until another takes over; 5 seconds by default. */
  readonly leaseMs?: number;
  /** How long appends and reads wait for a server that is away; 30 seconds by default. */
  readonly patienceMs?: number;
}

/**
 * Opens the log for appending, and creates its tables if they are missing. One process at a time owns it; a second one waits
 * until the first has closed it, or was silent for `leaseMs`.
 *
 * @throws NotAnEventLog, CannotOpenLog; LogLostEvents if a server takes over during the wait that lacks events; the signal's reason
 * if it aborts during the wait
 */
export async function openPostgresLog(options: PostgresLogOptions): Promise<EventLog> {
  const { url, leaseMs = LEASE_MS, patienceMs = PATIENCE_MS, signal } = options;
  const nothing = (): void => undefined;
  const database = new Database({ url, patienceMs });
  try {
    await prepareSchema(database, shownUrl(url));
    const { onWaiting = nothing, onLost = nothing } = options;
    const row = new LeaseRow(database);
    const lease = await Lease.take(row, { leaseMs, onWaiting, onLost, signal });
    return new PostgresLog(database, { lease, last: row.last });
  } catch (error) {
    await database.close();
    throw signal?.aborted === true ? signal.reason : openingError(url, error);
  }
}

/**
 * Opens a log for reading only, such as for an audit; a role that may only read is enough. Another process may own it.
 *
 * @throws NotAnEventLog, CannotOpenLog
 */
export async function openPostgresLogForReading({
  url,
  patienceMs = PATIENCE_MS,
}: Pick<PostgresLogOptions, 'url' | 'patienceMs'>): Promise<EventLog> {
  const database = new Database({ url, patienceMs });
  try {
    if (!(await isThere(database.query)))
      throw new NotAnEventLog(shownUrl(url), 'it has no table ledgerlift_log');
    await checkSchema(database, shownUrl(url));
    return new PostgresLog(database, undefined);
  } catch (error) {
    await database.close();
    throw openingError(url, error);
  }
}

async function prepareSchema(database: Database, path: string): Promise<void> {
  await database.transaction(async (query) => {
    // Two processes may open an empty database at once.
    await query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    if (!(await isThere(query))) await query(TABLES);
  });
  await checkSchema(database, path);
}

async function isThere(query: Query): Promise<boolean> {
  const [found] = await query("SELECT to_regclass('ledgerlift_log') IS NOT NULL AS is_there");
  return found?.['is_there'] === true;
}

async function checkSchema(database: Database, path: string): Promise<void> {
  const [encoding] = await database.query('SHOW server_encoding');
  if (encoding?.['server_encoding'] !== 'UTF8')
    throw new NotAnEventLog(path, `its encoding is ${String(encoding?.['server_encoding'])}, not UTF8`);
  const [log] = await database.query('SELECT schema_version FROM ledgerlift_log');
  const version = Number(log?.['schema_version']);
  if (version !== SCHEMA_VERSION)
    throw new NotAnEventLog(path, `its schema version is ${version}, not ${SCHEMA_VERSION}`);
}

function openingError(url: string, error: unknown): Error {
  if ([NotAnEventLog, CannotOpenLog, LogLostEvents].some((own) => error instanceof own))
    return error as Error;
  return new CannotOpenLog(
    shownUrl(url),
    error,
    'check that the server runs, and that the role may create tables',
  );
}
