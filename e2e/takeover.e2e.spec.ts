import { afterEach, describe, expect, it } from '@jest/globals';
import { startKurrent, startPostgres } from '@ledgerlift/event-log/contract';
import { HANGS_MS, buildOva, makeSmallDisk } from '@ledgerlift/testing';
import { call } from './installation/api.js';
import { Installation } from './installation/installation.js';
import { judgeLog } from './installation/judge.js';

const MiB = 1024 * 1024;
let at: Installation;
let database: Database | undefined;
afterEach(async () => {
  await at[Symbol.asyncDispose]();
  await database?.stop();
}, 60_000);

/** Installs Ledgerlift with one VM to migrate. */
async function install(env: Readonly<Record<string, string>> = {}): Promise<void> {
  at = await Installation.start({ env });
  const raw = at.folder.file('disk.raw');
  await makeSmallDisk(raw, { size: 12 * MiB, seed: 4 });
  const vms = [{ name: 'handed-over', disks: [{ raw }], nics: [{ network: 'VM Network' }] }];
  await buildOva({ name: 'handed-over', folder: at.folder.file('ovas'), vms });
  await at.prepare();
}

/** Migrates slowly, and does to the first planner what is asked while the disk is copied. The second must end it well. */
async function takenOver(strike: () => Promise<unknown>): Promise<void> {
  const second = await at.startSecondPlanner();
  await second.process.waitForLine(/another planner owns the log/);
  const waiting = await fetch(`${second.url}/health/ready`);
  expect(await waiting.json()).toEqual({ status: 'waiting', missing: ['another planner owns the log'] });
  expect((await fetch(`${second.url}/health/live`)).status).toBe(200);
  const migration = await at.migrate('handed-over', ['handed-over'], { bandwidthLimit: 3 * MiB });
  await at.reached(migration, 'DiskTransfer');
  await strike();
  await second.process.waitForHttp(`${second.url}/health/ready`);
  for (const deadline = Date.now() + HANGS_MS; ;) {
    const { status } = await call(second.url, 'migrations.get', { params: { migration } });
    if (status === 'succeeded') break;
    if (Date.now() > deadline) throw new Error(`the migration is ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function logIsWhole(place: string): Promise<void> {
  const { findings, ids } = await judgeLog(place);
  expect(findings).toBe(0);
  expect(new Set(ids).size).toBe(ids.length);
}

/** A database server with an empty place for a log. */
interface Database {
  readonly url: string;
  restart(): Promise<void>;
  stop(): Promise<void>;
}
const databases: readonly (readonly [name: string, start: () => Promise<Database>])[] = [
  [
    'PostgreSQL',
    async () => {
      const server = await startPostgres();
      return { ...server, url: await server.createDatabase() };
    },
  ],
  [
    'KurrentDB',
    async () => {
      const server = await startKurrent();
      return { ...server, url: server.newUrl() };
    },
  ],
];

describe('a second planner on the same log', () => {
  it('waits until the first is gone, then goes on with what it had begun', async () => {
    await install();
    await takenOver(() => at.service('planner').kill());
    await logIsWhole(at.logFile);
  });

  describe.each(databases)('in %s', (_, start) => {
    it('takes over from one that hangs, which harms nothing when it wakes up', async () => {
      database = await start();
      await install({ LEDGERLIFT_LOG_URL: database.url });
      const first = at.service('planner');
      await takenOver(() => first.pause());
      first.resume();
      expect(await first.ended).toMatchObject({ code: 1 });
      expect(first.output.join('')).toContain('another planner took over the log');
      await logIsWhole(database.url);
    });

    it('goes on after the database was killed', async () => {
      const server = await start();
      database = server;
      await install({ LEDGERLIFT_LOG_URL: server.url });
      await takenOver(async () => {
        await server.restart();
        await at.service('planner').kill();
      });
      await logIsWhole(server.url);
    });
  });
});
