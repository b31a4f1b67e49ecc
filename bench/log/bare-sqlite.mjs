import { DatabaseSync } from 'node:sqlite';
import { bareRow } from './events.mjs';

const PAGE = 500;

/** node:sqlite as one would use it by hand, with the pragmas of the log. */
export async function bareSqlite(path) {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768;
    CREATE TABLE events (position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, revision INTEGER NOT NULL,
      id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, content TEXT NOT NULL, UNIQUE (stream, revision)) STRICT`);
  const insert = db.prepare(
    'INSERT INTO events (stream, revision, id, hash, content) VALUES (?, ?, ?, ?, ?)',
  );
  const after = db.prepare('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?');
  let wake = () => undefined;
  return {
    async append(place) {
      insert.run(...bareRow(place));
      wake();
    },
    async appendGroup(places) {
      db.exec('BEGIN');
      for (const place of places) insert.run(...bareRow(place));
      db.exec('COMMIT');
      wake();
    },
    async *readAll() {
      for (const row of db.prepare('SELECT * FROM events ORDER BY position').iterate())
        yield { ...row, ...JSON.parse(row.content) };
    },
    async follow(signal, onEvents, onCaughtUp) {
      for (let last = 0; !signal.aborted;) {
        const rows = after.all(last, PAGE);
        if (rows.length > 0) {
          onEvents(rows.map((row) => ({ ...row, ...JSON.parse(row.content) })));
          last = rows.at(-1).position;
          continue;
        }
        onCaughtUp();
        await new Promise((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', resolve, { once: true });
        });
      }
    },
    close: async () => db.close(),
  };
}
