import { CannotOpenLog, LogLostEvents, LogTakenOver, NotAnEventLog } from '../errors.js';
import { Lease } from '../lease.js';
import type { EventLog } from '../port.js';
import { Database } from './database.js';
import { LeaseRow } from './lease-row.js';
import { PostgresLog } from './postgres-log.js';
import { areTablesThere, checkSchema, createTables, upgradeTables } from './schema.js';
import { shownUrl } from './shown-url.js';

const LEASE_MS = 5000;
const PATIENCE_MS = 30_000;
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
 * Opens the log for appending; creates its tables if they are missing, and upgrades older ones. One process at a time owns it; a second one waits
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
    await createTables(database);
    await checkSchema(database, shownUrl(url), 'may-be-older');
    const { onWaiting = nothing, onLost = nothing } = options;
    for (;;) {
      const row = new LeaseRow(database);
      const lease = await Lease.take(row, { leaseMs, onWaiting, onLost, signal });
      try {
        await upgradeTables(database, lease.epoch);
        await checkSchema(database, shownUrl(url));
        return new PostgresLog(database, { lease, last: row.last });
      } catch (error) {
        await lease.release();
        // It was silent for too long already, and waits for its next turn.
        if (!(error instanceof LogTakenOver)) throw error;
      }
    }
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
    if (!(await areTablesThere(database.query)))
      throw new NotAnEventLog(shownUrl(url), 'it has no table ledgerlift_log');
    await checkSchema(database, shownUrl(url));
    return new PostgresLog(database, undefined);
  } catch (error) {
    await database.close();
    throw openingError(url, error);
  }
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
