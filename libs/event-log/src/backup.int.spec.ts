import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { auditVerify, exportAnchors } from './audit.js';
import { newEvents } from './contract/index.js';
import { type PostgresServer, startPostgres } from './contract/postgres-server.js';
import { openLog, openLogForReading } from './open.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledgerlift-backup-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const program = promisify(execFile);
const VACUUM = `const { DatabaseSync } = require('node:sqlite');
  new DatabaseSync(process.argv[1], { readOnly: true }).exec("VACUUM INTO '" + process.argv[2] + "'")`;

/** As docs/how-to/back-up-and-restore.md has it: where the log is, and how it is backed up and restored elsewhere. */
const engines = {
  async SQLite() {
    const [place, backup] = [join(folder, 'events.db'), join(folder, 'backup.db')];
    return {
      place,
      backUp: () => program(process.execPath, ['--eval', VACUUM, place, backup]),
      restore: async () => backup,
    };
  },
  async PostgreSQL() {
    const [place, restored] = [await server.createDatabase(), await server.createDatabase()];
    const file = join(folder, 'log.dump');
    return {
      place,
      backUp: () => program('pg_dump', ['--format=custom', '--file', file, place]),
      restore: async () => {
        await program('pg_restore', ['--exit-on-error', '--dbname', restored, file]);
        return restored;
      },
    };
  },
} as const;

describe.each(['SQLite', 'PostgreSQL'] as const)('a backup on %s', (engine) => {
  it('made while events are appended is a whole log, which its owner opens; what it lacks is noticed', async () => {
    const { place, backUp, restore } = await engines[engine]();
    const log = await openLog(place);
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = Promise.all(
      ['a', 'b', 'c'].map(async (stream) => {
        for (let revision: number | 'no-stream' = 'no-stream'; !isOver;) {
          const { events } = await log.append(stream, newEvents(3), revision);
          revision = events.at(-1)?.revision ?? 0;
          acknowledged.push(...events.map(({ id }) => id));
        }
      }),
    );
    const more = async () => {
      const before = acknowledged.length;
      while (acknowledged.length < before + 90) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await more();
    const before = [...acknowledged];
    await backUp();
    await more();
    isOver = true;
    await writing;
    const [head, anchors] = [(await log.head()) ?? '', await exportAnchors(log)];
    const original = (await Array.fromAsync(log.readAll())).map(({ id }) => id);
    await log.close();

    const restored = await restore();
    const reader = await openLogForReading(restored);
    const ids = (await Array.fromAsync(reader.readAll())).map(({ id }) => id);
    expect(ids).toEqual(original.slice(0, ids.length));
    expect(ids).toEqual(expect.arrayContaining(before));
    expect((await auditVerify(reader)).findings).toEqual([]);
    await reader.close();

    const next = await openLog(restored);
    const { findings } = await auditVerify(next, anchors);
    expect(findings.map(({ kind }) => kind)).toEqual(['cut-tail', 'cut-tail', 'cut-tail']);
    await expect(Array.fromAsync(next.readAll({ after: head }))).rejects.toMatchObject({
      code: 'LL-LOG-011',
    });
    const [tail] = await Array.fromAsync(next.readStream('a', { direction: 'backwards' }));
    await next.append('a', newEvents(1), tail?.revision ?? 'no-stream');
    await next.close();
  });
});
