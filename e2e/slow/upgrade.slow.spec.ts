import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildOva, cacheFolder, makeSmallDisk } from '@ledgerlift/testing';
import { Installation } from '../installation/installation.js';
import { judgeLog, missingOnBus } from '../installation/judge.js';
import { root } from '../installation/root.js';

const MiB = 1024 * 1024;
const BUILD_MS = 600_000;
/** The last commit that users had before this version. Move it on with each release. */
const BEFORE = '14b9523d';

/** Builds an earlier version, with the packages of this one, which are as new or newer. @returns its folder */
function built(commit: string): string {
  const folder = cacheFolder('versions', commit);
  if (existsSync(folder)) return folder;
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  execFileSync('bash', ['-c', `git -C '${root}' archive ${commit} | tar -x -C '${making}'`]);
  for (const room of [
    '.',
    ...['apps', 'libs'].flatMap((name) => readdirSync(join(root, name)).map((each) => join(name, each))),
  ]) {
    const packages = join(root, room, 'node_modules');
    if (existsSync(packages) && existsSync(join(making, room)))
      cpSync(packages, join(making, room, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  }
  execFileSync(join(making, 'node_modules/.bin/node'), ['node_modules/.bin/tsc', '-b'], { cwd: making });
  renameSync(making, folder);
  return folder;
}

let at: Installation;
beforeAll(async () => {
  at = await Installation.start({ version: built(BEFORE) });
  const raw = at.folder.file('disk.raw');
  await makeSmallDisk(raw, { size: 24 * MiB, seed: 4 });
  const nics = [{ network: 'VM Network' }];
  const vms = ['done', 'copied', 'last'].map((name) => ({ name, disks: [{ raw }], nics }));
  for (const vm of vms) await buildOva({ name: vm.name, folder: at.folder.file('ovas'), vms: [vm] });
  await at.prepare();
}, BUILD_MS);
afterAll(() => at[Symbol.asyncDispose](), 60_000);

describe('an upgrade from the version before', () => {
  it(
    'goes on with its log and its workers, then with its own',
    async () => {
      const done = await at.migrate('done', ['done']);
      await at.succeeded(done);
      const migration = await at.migrate('copied', ['copied'], { bandwidthLimit: 2 * MiB });
      await at.reached(migration, 'DiskTransfer');
      const before = await judgeLog(at.logFile);

      // The planner first, as the how-to has it: the old worker copies on meanwhile.
      await at.replace('planner');
      expect((await at.call('migrations.get', { params: { migration: done } })).status).toBe('succeeded');
      const { pipeline } = await at.vm(migration);
      expect(pipeline.find(({ step }) => step === 'DiskTransfer')?.status).toBe('Running');
      await at.succeeded(migration);

      // Then a worker in the middle of its work, and the others.
      const last = await at.migrate('last', ['last'], { bandwidthLimit: 2 * MiB });
      await at.reached(last, 'DiskTransfer');
      for (const name of ['transfer', 'converter', 'vm-creator'] as const) await at.replace(name);
      await at.succeeded(last);

      const { findings, ids } = await judgeLog(at.logFile);
      expect(findings).toBe(0);
      expect(ids.slice(0, before.ids.length)).toEqual(before.ids);
      expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
    },
    BUILD_MS,
  );
});
