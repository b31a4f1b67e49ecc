import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditVerify } from '../audit.js';
import { newEvents } from '../contract/index.js';
import { CannotOpenLog, NotAnEventLog } from '../errors.js';
import { openSqliteLog, openSqliteLogForReading } from './open.js';
import { forkOnSources } from '../contract/fork-on-sources.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledgerlift-log-'));
  path = join(folder, 'events.db');
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const started: ChildProcess[] = [];
async function startOwner(): Promise<ChildProcess> {
  const child = forkOnSources(new URL('./appender.fixture.ts', import.meta.url), [path]);
  started.push(child);
  await once(child, 'message');
  return child;
}

describe('the file of the log', () => {
  const asOtherDatabase = (version: number): void => {
    const db = new DatabaseSync(path);
    db.exec(`CREATE TABLE guests (name TEXT); PRAGMA user_version = ${version}`);
    db.close();
  };
  const makers: readonly (readonly [string, () => void | Promise<void>])[] = [
    ['a text', () => writeFile(path, 'this is no database, whoever looks at it. '.repeat(50))],
    ["somebody else's database", () => asOtherDatabase(1)],
  ];

  it.each(makers)('is not touched when it is %s', async (_, make) => {
    await make();
    const before = await readFile(path);
    await expect(openSqliteLog({ path })).rejects.toThrow(NotAnEventLog);
    expect(() => openSqliteLogForReading(path)).toThrow(NotAnEventLog);
    expect(await readFile(path)).toEqual(before);
  });

  it('cannot be opened by an older version than its writer', async () => {
    await (await openSqliteLog({ path })).close();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(openSqliteLog({ path })).rejects.toThrow(/schema version is 99/);
  });

  it('needs an existing folder, and for reading an existing file', async () => {
    await expect(openSqliteLog({ path: join(folder, 'none', 'events.db') })).rejects.toThrow(CannotOpenLog);
    expect(() => openSqliteLogForReading(path)).toThrow(CannotOpenLog);
  });
});

describe('the owner of the log', () => {
  it('is succeeded by a waiting one when it is killed', async () => {
    const child = await startOwner();
    let told = 0;
    const opening = openSqliteLog({ path, onWaiting: () => (told += 1) });
    expect(await Promise.race([opening, sleep(800, 'waits')])).toBe('waits');
    expect(told).toBe(1);
    child.kill('SIGKILL');
    const log = await opening;
    const { revision } = (await log.streamHead('long')) ?? { revision: -1 };
    await log.append('long', newEvents(1), revision === -1 ? 'no-stream' : revision);
    expect((await auditVerify(log)).findings).toEqual([]);
    await log.close();
  });

  it('need not be waited for forever: the wait can be aborted', async () => {
    const log = await openSqliteLog({ path });
    const stop = new AbortController();
    const reason = new Error('shut down');
    const opening = openSqliteLog({ path, signal: stop.signal, onWaiting: () => stop.abort(reason) });
    await expect(opening).rejects.toBe(reason);
    await log.close();
  });

  it('is the same through every link to the file', async () => {
    const log = await openSqliteLog({ path });
    const link = join(folder, 'link.db');
    await symlink(path, link);
    const waiting = openSqliteLog({ path: link, signal: AbortSignal.timeout(300) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    await log.close();
  });

  it('does not exclude readers, before or after it is killed', async () => {
    const child = await startOwner();
    const beside = openSqliteLogForReading(path);
    while ((await beside.head()) === undefined) await sleep(10);
    expect((await auditVerify(beside)).findings).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const afterwards = openSqliteLogForReading(path);
    const { events, findings } = await auditVerify(afterwards);
    expect(findings).toEqual([]);
    expect(events).toBeGreaterThan(0);
    await beside.close();
    await afterwards.close();
  });
});
