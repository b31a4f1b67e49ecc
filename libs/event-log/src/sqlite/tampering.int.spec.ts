import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { auditVerify, exportAnchors } from '../audit.js';
import { newEvents, openTemporaryLog } from '../contract/index.js';
import { linkHash } from '../stored-content.js';

/** A manipulation of the event at `revision` of `stream`, by somebody with the file and sqlite3. */
type Tamper = (db: DatabaseSync, stream: string, revision: number) => void;

const AT = 'WHERE stream = ? AND revision = ?';
const update =
  (assignment: string): Tamper =>
  (db, stream, revision) =>
    db.prepare(`UPDATE events SET ${assignment} ${AT}`).run(stream, revision);

/** Manipulations that break the chain at any event, even the last. */
const anywhere: Readonly<Record<string, Tamper>> = {
  'other data': update("content = json_set(content, '$.data.number', 99)"),
  'another actor': update("content = json_set(content, '$.actor.name', 'nobody')"),
  'another time': update("content = json_set(content, '$.time', '2020-01-01T00:00:00.000Z')"),
  'another type': update("content = json_set(content, '$.type', 'NothingHappened')"),
  'another cause': update("content = json_remove(content, '$.causationId')"),
  'one more field': update("content = json_set(content, '$.approvedBy', 'nobody')"),
  'another id': update("id = '00000000-0000-7000-8000-000000000000'"),
  'another hash': update("hash = replace(hash, substr(hash, 1, 1), 'x')"),
  'another stream': update("stream = 'elsewhere'"),
  'content that is no JSON': update("content = '{'"),
  'content that is no event': update("content = '7'"),
  'an event put in before it': (db, stream, revision) => putIn(db, stream, revision),
};

/** Manipulations that the chain cannot show at the last event. */
const notAtTheEnd: Readonly<Record<string, Tamper>> = {
  dropped: (db, stream, revision) => db.prepare(`DELETE FROM events ${AT}`).run(stream, revision),
  'dropped, and what follows renumbered': (db, stream, revision) => {
    db.prepare(`DELETE FROM events ${AT}`).run(stream, revision);
    db.prepare('UPDATE events SET revision = -revision WHERE stream = ? AND revision > ?').run(
      stream,
      revision,
    );
    db.prepare('UPDATE events SET revision = -revision - 1 WHERE stream = ? AND revision < 0').run(stream);
  },
  'exchanged with the next': (db, stream, revision) => {
    const swap = db.prepare(`UPDATE events SET revision = ? ${AT}`);
    swap.run(-1, stream, revision);
    swap.run(revision, stream, revision + 1);
    swap.run(revision + 1, stream, -1);
  },
  'at the place of the next': (db, stream, revision) => {
    const place = db.prepare(`SELECT position FROM events ${AT}`);
    const [mine, next] = [revision, revision + 1].map((at) => Number(place.get(stream, at)?.['position']));
    const move = db.prepare('UPDATE events SET position = ? WHERE position = ?');
    move.run(-1, mine ?? 0);
    move.run(mine ?? 0, next ?? 0);
    move.run(next ?? 0, -1);
  },
  'changed with its hash': (db, stream, revision) => rehash(db, stream, revision, 'one'),
};

/** Manipulations that leave an intact chain: only anchors outside can show them. */
const onlyAgainstAnchors: Readonly<Record<string, Tamper>> = {
  'cut off with all that follows': (db, stream, revision) =>
    db.prepare('DELETE FROM events WHERE stream = ? AND revision >= ?').run(stream, revision),
  'changed with all hashes that follow': (db, stream, revision) => rehash(db, stream, revision, 'all'),
  'in a stream that is gone': (db, stream) => db.prepare('DELETE FROM events WHERE stream = ?').run(stream),
};

const STREAMS = ['a', 'b'];
const LENGTH = 6;

describe('tampering with the file', () => {
  let under: Awaited<ReturnType<typeof openTemporaryLog>>;
  beforeEach(async () => {
    under = await openTemporaryLog();
    for (let revision = 0; revision < LENGTH; revision += 1) {
      for (const stream of STREAMS)
        await under.log.append(stream, newEvents(1), revision === 0 ? 'no-stream' : revision - 1);
    }
  });
  afterEach(() => under.destroy());

  /** Every manipulation is tried on the same log, and undone afterwards. */
  const holds = async (
    tampers: Readonly<Record<string, Tamper>>,
    last: number,
    isFound: (stream: string) => Promise<boolean>,
  ): Promise<void> => {
    const somewhere = fc.record({
      how: fc.constantFrom(...Object.keys(tampers)),
      stream: fc.constantFrom(...STREAMS),
      revision: fc.integer({ min: 0, max: last }),
    });
    const db = new DatabaseSync(under.path);
    db.exec('CREATE TEMP TABLE before AS SELECT * FROM events');
    await fc.assert(
      fc.asyncProperty(somewhere, async ({ how, stream, revision }) => {
        tampers[how]?.(db, stream, revision);
        const found = await isFound(stream);
        db.exec('DELETE FROM events; INSERT INTO events SELECT * FROM before');
        return found && (await auditVerify(under.log)).findings.length === 0;
      }),
      { numRuns: 80 },
    );
    db.close();
  };

  it('is found by the chain, in the affected stream', () =>
    holds(anywhere, LENGTH - 1, async (stream) => {
      const { findings } = await auditVerify(under.log);
      return findings.some((finding) => finding.stream === stream || finding.stream === 'elsewhere');
    }));

  it('is found by the chain if it leaves a gap or another order', () =>
    holds(notAtTheEnd, LENGTH - 2, async (stream) => {
      const { findings } = await auditVerify(under.log);
      return findings.length > 0 && findings.every((finding) => finding.stream === stream);
    }));

  it('is found against anchors if the chain is intact', async () => {
    const anchors = await exportAnchors(under.log);
    await holds(onlyAgainstAnchors, LENGTH - 1, async (stream) => {
      const withoutAnchors = await auditVerify(under.log);
      const { findings } = await auditVerify(under.log, anchors);
      return withoutAnchors.findings.length === 0 && findings.some((finding) => finding.stream === stream);
    });
  });

  it('is reported with its kind and location', async () => {
    const anchors = await exportAnchors(under.log);
    const db = new DatabaseSync(under.path);
    db.exec(`
      UPDATE events SET content = json_set(content, '$.data.number', 99) WHERE stream = 'a' AND revision = 1;
      DELETE FROM events WHERE stream = 'a' AND revision IN (3, 5);
      DELETE FROM events WHERE stream = 'b';
    `);
    db.close();
    expect((await auditVerify(under.log, anchors)).findings).toEqual([
      { kind: 'changed', stream: 'a', revision: 1, eventId: expect.any(String) },
      { kind: 'dropped', stream: 'a', from: 3, to: 3 },
      { kind: 'cut-tail', stream: 'a', anchored: 5, found: 4 },
      { kind: 'missing-stream', stream: 'b', anchored: 5 },
    ]);
  });

  it('is also found by readers if the record is no longer an event', async () => {
    const db = new DatabaseSync(under.path);
    db.exec("UPDATE events SET content = 'x' WHERE stream = 'a' AND revision = 2");
    db.close();
    await expect(Array.fromAsync(under.log.readStream('a'))).rejects.toMatchObject({
      code: 'LL-LOG-009',
      stream: 'a',
      revision: 2,
    });
  });
});

/** Inserts a forged event with a matching hash at `revision`, and moves the others up. */
function putIn(db: DatabaseSync, stream: string, revision: number): void {
  const there = db.prepare(`SELECT position, content FROM events ${AT}`).get(stream, revision);
  const position = Number(there?.['position']);
  db.prepare('UPDATE events SET revision = -revision - 1 WHERE stream = ? AND revision >= ?').run(
    stream,
    revision,
  );
  db.prepare('UPDATE events SET revision = -revision WHERE stream = ? AND revision < 0').run(stream);
  db.prepare('UPDATE events SET position = -position - 1 WHERE position >= ?').run(position);
  db.exec('UPDATE events SET position = -position WHERE position < 0');
  const content = String(there?.['content']);
  const id = '11111111-1111-7111-8111-111111111111';
  db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)').run(
    position,
    stream,
    revision,
    id,
    linkHash(hashBefore(db, stream, revision), content.replace(/"id":"[^"]*"/, `"id":"${id}"`)),
    content.replace(/"id":"[^"]*"/, `"id":"${id}"`),
  );
}

/** Changes an event and recomputes its hash, alone or with all later ones. */
function rehash(db: DatabaseSync, stream: string, revision: number, which: 'one' | 'all'): void {
  const forged = { stream, revision };
  const rows = db.prepare(
    'SELECT revision, content FROM events WHERE stream = ? AND revision >= ? ORDER BY revision',
  );
  for (const row of rows.all(stream, revision)) {
    const at = Number(row['revision']);
    if (which === 'one' && at !== revision) return;
    const content = String(row['content']);
    const changed =
      at === forged.revision ? content.replace('SomethingHappened', 'SomethingForged') : content;
    const set = db.prepare(`UPDATE events SET content = ?, hash = ? ${AT}`);
    set.run(changed, linkHash(hashBefore(db, stream, at), changed), stream, at);
  }
}

function hashBefore(db: DatabaseSync, stream: string, revision: number): string {
  return String(
    db.prepare(`SELECT hash FROM events ${AT}`).get(stream, revision - 1)?.['hash'] ?? '0'.repeat(64),
  );
}
