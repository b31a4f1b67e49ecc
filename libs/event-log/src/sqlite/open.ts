import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CannotOpenLog } from '../errors.js';
import type { EventLog } from '../port.js';
import { acquireOwnership } from './owner-lock.js';
import { checkSchema, prepareSchema } from './schema.js';
import { openingError } from './sqlite-errors.js';
import { SqliteLog } from './sqlite-log.js';

export interface SqliteLogOptions {
  /** The log's file. It is made if it does not exist; its folder must. Not on a network file system. */
  readonly path: string;
  /** Called once when another process owns the log, and this one waits until it is gone. */
  readonly onWaiting?: () => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** How long a statement waits while another process holds the file for a moment: a backup, say. */
const BUSY_MS = 1000;

/**
 * Opens the log for appending. One process at a time owns it; a second one waits until the first is gone.
 *
 * @throws NotAnEventLog, CannotOpenLog; the signal's reason when it aborts while waiting
 */
export async function openSqliteLog({ path, onWaiting, signal }: SqliteLogOptions): Promise<EventLog> {
  const file = realPath(path);
  const lock = await acquireOwnership(`${file}.lock`, onWaiting ?? (() => undefined), signal).catch(
    (error) => {
      throw signal?.aborted ? signal.reason : openingError(path, error);
    },
  );
  try {
    return new SqliteLog(openDatabase(file, 'appending'), { purpose: 'appending', lock });
  } catch (error) {
    lock.release();
    throw openingError(path, error);
  }
}

/**
 * Opens a log that another process may own, to read it: for an audit, say. Appending to it is refused.
 *
 * @throws NotAnEventLog, CannotOpenLog
 */
export function openSqliteLogForReading(path: string): EventLog {
  try {
    if (!existsSync(path)) throw new CannotOpenLog(path, 'there is no such file');
    return new SqliteLog(openDatabase(path, 'reading'), { purpose: 'reading' });
  } catch (error) {
    throw openingError(path, error);
  }
}

function openDatabase(path: string, purpose: 'appending' | 'reading'): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: purpose === 'reading', timeout: BUSY_MS });
  try {
    if (purpose === 'reading') {
      checkSchema(db, path);
      return db;
    }
    // Before anything is written: a database of somebody else's stays as it is.
    prepareSchema(db, path);
    // WAL refuses quietly, by staying in another mode, where the file system has no shared memory.
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
    if (mode !== 'wal') throw new CannotOpenLog(path, `its file system allows no WAL, only ${String(mode)}`);
    // Each commit is flushed. What the file takes over from the WAL is taken over in larger portions than by default
    // (16 MiB), for the same pages of the indexes come again and again.
    db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** One log has one lock, whichever link it was opened by. */
function realPath(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw new CannotOpenLog(path, error);
  }
}
