import type { DatabaseSync } from 'node:sqlite';
import { NotAnEventLog } from '../errors.js';

const APPLICATION_ID = 0x4c4c4f47; // 'LLOG'
const SCHEMA_VERSION = 1;

// `content` is what was hashed, byte for byte, so that a chain can be checked with nothing but sqlite3 and sha256sum.
// AUTOINCREMENT, for a position must never come again, not even after the last events were deleted by hand.
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
