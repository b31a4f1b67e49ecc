import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HANGS_MS, buildOva, makeSmallDisk } from '@ledgerlift/testing';
import { call } from './installation/api.js';
import { Installation } from './installation/installation.js';
import { judgeLog } from './installation/judge.js';

const MiB = 1024 * 1024;
let at: Installation;

beforeAll(async () => {
  at = await Installation.start();
  const raw = at.folder.file('disk.raw');
  await makeSmallDisk(raw, { size: 12 * MiB, seed: 4 });
  const vms = [{ name: 'handed-over', disks: [{ raw }], nics: [{ network: 'VM Network' }] }];
  await buildOva({ name: 'handed-over', folder: at.folder.file('ovas'), vms });
  await at.prepare();
});
afterAll(() => at[Symbol.asyncDispose](), 60_000);

describe('a second planner on the same log', () => {
  it('waits until the first is gone, then goes on with what it had begun', async () => {
    const second = await at.startSecondPlanner();
    await second.process.waitForLine(/another planner owns the log/);
    const migration = await at.migrate('handed-over', ['handed-over'], { bandwidthLimit: 3 * MiB });
    await at.reached(migration, 'DiskTransfer');
    await at.service('planner').kill();
    await second.process.waitForHttp(`${second.url}/health/ready`);
    for (const deadline = Date.now() + HANGS_MS; ;) {
      const { status } = await call(second.url, 'migrations.get', { params: { migration } });
      if (status === 'succeeded') break;
      if (Date.now() > deadline) throw new Error(`the migration is ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { findings, ids } = await judgeLog(at.logFile);
    expect(findings).toBe(0);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
