import type { DatabaseSync } from 'node:sqlite';
import { NotAnEventLog } from '../errors.js';

const APPLICATION_ID = 0x4c4c4f47; // 'LLOG'
const SCHEMA_VERSION = 1;

/** Creates the tables in an empty file, or checks that the file is ours. @throws NotAnEventLog */
export function prepareSchema(db: DatabaseSync, path: string): void {
  const applicationId = pragma(db, 'application_id');
  const version = pragma(db, 'user_version');
  const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get();
  if (applicationId === 0 && tables?.['n'] === 0) {
    db.exec(`
      BEGIN IMMEDIATE;
      CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL,
        revision INTEGER NOT NULL,
        id TEXT NOT NULL UNIQUE,
        hash TEXT NOT NULL,
        type TEXT NOT NULL,
        version INTEGER NOT NULL,
        time TEXT NOT NULL,
        data TEXT NOT NULL,
        metadata TEXT NOT NULL,
        UNIQUE (stream, revision)
      ) STRICT;
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT;
    `);
    return;
  }
  if (applicationId !== APPLICATION_ID) throw new NotAnEventLog(path, 'it is a database of something else');
  if (version !== SCHEMA_VERSION)
    throw new NotAnEventLog(path, `its schema version is ${version}, not ${SCHEMA_VERSION}`);
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
