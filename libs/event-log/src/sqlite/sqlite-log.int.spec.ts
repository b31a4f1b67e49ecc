import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anchorsOf, verifyLog } from '../audit.js';
import { eventLogContract, newEvents, openTemporaryLog } from '../contract/index.js';
import { NotAnEventLog } from '../errors.js';
import { openSqliteLog, openSqliteLogForReading } from './sqlite-log.js';

eventLogContract('SQLite', openTemporaryLog);

describe('the SQLite log', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ledgerlift-log-'));
    path = join(folder, 'events.db');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is not opened where a file is something else', async () => {
    await writeFile(path, 'this is not a database, but it is long enough to be looked at as one'.repeat(20));
    await expect(openSqliteLog({ path })).rejects.toThrow();
    const other = join(folder, 'other.db');
    const db = new DatabaseSync(other);
    db.exec('CREATE TABLE guests (name TEXT)');
    db.close();
    await expect(openSqliteLog({ path: other })).rejects.toThrow(NotAnEventLog);
  });

  it('keeps every acknowledged batch whole, and no half one, when its process is killed', async () => {
    for (let round = 0; round < 8; round += 1) {
      const acknowledged = await appendUntilKilled(path, 30 + round * 20);
      const log = await openSqliteLog({ path });
      const batches = new Map<string, number>();
      for await (const { correlationId } of log.readAll())
        batches.set(correlationId, (batches.get(correlationId) ?? 0) + 1);
      expect([...batches.values()].every((size) => size === 3)).toBe(true);
      expect(acknowledged.every((batch) => batches.has(batch))).toBe(true);
      expect((await verifyLog(log)).findings).toEqual([]);
      await log.close();
    }
  }, 60_000);

  it('lets a second process wait, and take over within seconds when the first is killed', async () => {
    const child = await startAppender(path);
    let waited = false;
    const opening = openSqliteLog({ path, onWaiting: () => (waited = true) });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(waited).toBe(true);
    const killedAt = Date.now();
    child.kill('SIGKILL');
    const log = await opening;
    expect(Date.now() - killedAt).toBeLessThan(3000);
    await log.close();
  }, 20_000);

  it('may be read while another process owns it, but not appended to', async () => {
    const log = await openSqliteLog({ path });
    await log.append('a', newEvents(2), 'no-stream');
    const reader = openSqliteLogForReading(path);
    expect((await verifyLog(reader)).events).toBe(2);
    await expect(reader.append('a', newEvents(1), 1)).rejects.toThrow(/not open for appending/);
    await reader.close();
    await log.close();
  });
});

describe('tampering with the file', () => {
  // Each breaks one rule of the chain, at an event that the property chooses.
  const tamper = {
    'a changed event': (db: DatabaseSync, at: number) =>
      db.prepare('UPDATE events SET data = \'{"number":99}\' WHERE position = ?').run(at),
    'a changed actor': (db: DatabaseSync, at: number) =>
      db
        .prepare("UPDATE events SET metadata = replace(metadata, 'process', 'nobody') WHERE position = ?")
        .run(at),
    'a changed time': (db: DatabaseSync, at: number) =>
      db.prepare("UPDATE events SET time = '2020-01-01T00:00:00.000Z' WHERE position = ?").run(at),
    'a dropped event': (db: DatabaseSync, at: number) =>
      db.prepare('DELETE FROM events WHERE position = ?').run(at),
    'two events in the other order': (db: DatabaseSync, at: number) => {
      db.prepare('UPDATE events SET revision = -1 WHERE position = ?').run(at);
      db.prepare('UPDATE events SET revision = revision - 1 WHERE position = ?').run(at + 1);
      db.prepare('UPDATE events SET revision = ? WHERE position = ?').run(at, at);
    },
  } as const;

  it.each(Object.entries(tamper))('%s is found', async (_, change) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), async (at) => {
        const under = await openTemporaryLog();
        await under.log.append('a', newEvents(9), 'no-stream');
        const db = new DatabaseSync(under.path);
        change(db, at);
        db.close();
        const { findings } = await verifyLog(under.log);
        await under.destroy();
        return findings.length > 0;
      }),
      { numRuns: 8 },
    );
  });

  it('a cut tail and a missing stream are found against anchors', async () => {
    const under = await openTemporaryLog();
    await under.log.append('a', newEvents(3), 'no-stream');
    await under.log.append('b', newEvents(3), 'no-stream');
    const anchors = await anchorsOf(under.log);
    const db = new DatabaseSync(under.path);
    db.exec("DELETE FROM events WHERE stream = 'b' OR (stream = 'a' AND revision = 2)");
    db.close();
    expect((await verifyLog(under.log)).findings).toEqual([]);
    expect((await verifyLog(under.log, anchors)).findings).toEqual([
      { kind: 'cut-tail', stream: 'a', anchored: 2, found: 1 },
      { kind: 'missing-stream', stream: 'b', anchored: 2 },
    ]);
    await under.destroy();
  });
});

/** A process that appends batches of three, each told when it was acknowledged. */
async function startAppender(path: string): Promise<ReturnType<typeof fork>> {
  const child = fork(join(import.meta.dirname, 'appender.fixture.mjs'), [path], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(() =>
    Promise.reject(new Error('the appender ended; is the package built?')),
  );
  await Promise.race([once(child, 'message'), exited]);
  exited.catch(() => undefined);
  return child;
}

async function appendUntilKilled(path: string, afterMs: number): Promise<readonly string[]> {
  const child = await startAppender(path);
  const acknowledged: string[] = [];
  child.on('message', (batch) => acknowledged.push(String(batch)));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await once(child, 'exit');
  return acknowledged;
}
