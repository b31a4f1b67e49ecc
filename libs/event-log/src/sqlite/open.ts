import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotOpenLog, NotAnEventLog } from '../errors.js';
import type { EventLog } from '../port.js';
import { isBusy, openingError } from './rows.js';
import { SqliteLog } from './sqlite-log.js';

const APPLICATION_ID = 0x4c4c4f47; // 'LLOG'
const SCHEMA_VERSION = 1;

// `content` is the hashed text, byte for byte, so that sqlite3 and sha256sum alone can check a chain.
// AUTOINCREMENT, because a position must never be reused, even after the last events were deleted by hand.
const TABLES = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (stream, revision)
  ) STRICT;
`;

/** Creates the tables in an empty file, or checks that the file is ours. @throws NotAnEventLog */
export function prepareSchema(db: DatabaseSync, path: string): void {
  if (!isEmpty(db)) {
    checkSchema(db, path);
    return;
  }
  db.exec(
    `BEGIN IMMEDIATE; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
  );
}

/** @throws NotAnEventLog */
export function checkSchema(db: DatabaseSync, path: string): void {
  if (isEmpty(db)) throw new NotAnEventLog(path, 'it is empty');
  if (pragma(db, 'application_id') !== APPLICATION_ID)
    throw new NotAnEventLog(path, 'it is a database of something else');
  const version = pragma(db, 'user_version');
  if (version !== SCHEMA_VERSION)
    throw new NotAnEventLog(path, `its schema version is ${version}, not ${SCHEMA_VERSION}`);
}

function isEmpty(db: DatabaseSync): boolean {
  const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get();
  return pragma(db, 'application_id') === 0 && tables?.['n'] === 0;
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

export interface OwnerLock {
  release(): void;
}

const POLL_MS = 250;

/**
 * Waits until this process is the only one that may write the log. The lock is an open transaction on a file beside the log,
 * which the kernel drops with the process, whatever killed it.
 *
 * @param onWaiting called once if another process holds the lock
 * @throws the signal's reason if it aborts during the wait
 */
export async function acquireOwnership(
  path: string,
  onWaiting: () => void,
  signal?: AbortSignal,
): Promise<OwnerLock> {
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (!told) onWaiting();
    told = true;
    await sleep(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }
}

function tryLock(path: string): OwnerLock | undefined {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

export interface SqliteLogOptions {
  /** The log's file, created if missing; its folder must exist. Not on a network file system. */
  readonly path: string;
  /** Called once if another process owns the log, and this one waits for it to end. */
  readonly onWaiting?: () => void;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** How long a statement waits while another process, such as a backup, briefly locks the file. */
const BUSY_MS = 1000;

/**
 * Opens the log for appending. One process at a time owns it; a second one waits until the first has ended.
 *
 * @throws NotAnEventLog, CannotOpenLog; the signal's reason if it aborts during the wait
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
 * Opens a log for reading only, such as for an audit. Another process may own it.
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
    // Comes before any write, so that a foreign database stays unchanged.
    prepareSchema(db, path);
    // On a file system without shared memory, SQLite silently keeps another mode than WAL.
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
    if (mode !== 'wal') throw new CannotOpenLog(path, `its file system allows no WAL, only ${String(mode)}`);
    // Each commit is flushed. Checkpoints of the WAL are larger than by default (16 MiB), because the same pages of the
    // indexes recur.
    db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Resolves links, so that one log has one lock. */
function realPath(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw new CannotOpenLog(path, error);
  }
}
