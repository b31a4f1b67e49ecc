import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteLog, openSqliteLogForReading } from '../sqlite/open.js';
import type { Edit, LogUnderTest, Place } from './log-under-test.js';

/** A SQLite log in a folder of its own, which `destroy` removes. For the tests of whoever needs a log. */
export async function openTemporaryLog(): Promise<LogUnderTest & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-log-'));
  const path = join(folder, 'events.db');
  let log = await openSqliteLog({ path });
  return {
    path,
    get log() {
      return log;
    },
    async reopen() {
      await log.close();
      log = await openSqliteLog({ path });
      return log;
    },
    openReader: async () => openSqliteLogForReading(path),
    loseConnections: async () => undefined,
    edited: (place, edits, look) => edited(path, place, edits, look),
    async destroy() {
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function edited<T>(
  path: string,
  { stream, revision }: Place,
  edits: readonly Edit[],
  look: () => Promise<T>,
): Promise<T> {
  const db = new DatabaseSync(path);
  try {
    // What is edited here need not survive a crash.
    db.exec('PRAGMA synchronous = OFF; CREATE TEMP TABLE before AS SELECT * FROM events');
    // The table is strict and takes no bytes for text, so they are cast.
    const set = edits.map(
      ({ column, value }) => `${column} = ${typeof value === 'bigint' ? '?' : 'CAST(? AS TEXT)'}`,
    );
    const values = edits.map(({ value }) => value);
    const sql = `UPDATE events SET ${set.join(', ')} WHERE stream = ? AND revision = ?`;
    db.prepare(sql).run(...values, stream, revision);
    try {
      return await look();
    } finally {
      db.exec('DELETE FROM events; INSERT INTO events SELECT * FROM before');
    }
  } finally {
    db.close();
  }
}
