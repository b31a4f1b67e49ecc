import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditVerify } from '../audit.js';
import { eventLogContract, newEvents, openTemporaryLog } from '../contract/index.js';
import { NotAnEventLog } from '../errors.js';
import { openSqliteLog, openSqliteLogForReading } from './open.js';

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
      expect((await auditVerify(log)).findings).toEqual([]);
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
    expect((await auditVerify(reader)).events).toBe(2);
    await expect(reader.append('a', newEvents(1), 1)).rejects.toThrow(/not open for appending/);
    await reader.close();
    await log.close();
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
