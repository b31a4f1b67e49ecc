import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { buildOva, makeSmallDisk, NatsCluster } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { judgeLog, missingOnBus } from './installation/judge.js';

const MiB = 1024 * 1024;
let cluster: NatsCluster;
let at: Installation;

beforeEach(async () => {
  cluster = await NatsCluster.start();
  at = await Installation.start({
    env: { LEDGERLIFT_NATS_URL: cluster.url, LEDGERLIFT_NATS_REPLICAS: '3' },
  });
});
afterEach(async () => {
  await at[Symbol.asyncDispose]();
  await cluster.stop();
});

describe('a migration over a cluster of three servers of NATS', () => {
  it('goes on while one after the other is killed, cut off and wiped', async () => {
    const raw = at.folder.file('disk.raw');
    await makeSmallDisk(raw, { size: 24 * MiB, seed: 4 });
    const vms = [{ name: 'clustered', disks: [{ raw }], nics: [{ network: 'VM Network' }] }];
    await buildOva({ name: 'clustered', folder: at.folder.file('ovas'), vms });
    await at.prepare();
    const migration = await at.migrate('clustered', ['clustered'], { bandwidthLimit: 2 * MiB });
    await at.reached(migration, 'DiskTransfer');
    const [first, , third] = cluster.nodes;
    await first?.restart();
    await cluster.healthy();
    await cluster.partition(1, 2000);
    await cluster.healthy();
    await third?.wipeAndRestart();
    await cluster.healthy();
    await at.succeeded(migration);
    const { findings, ids } = await judgeLog(at.logFile);
    expect(findings).toBe(0);
    expect(await missingOnBus(cluster.url, ids)).toEqual([]);
  });
});
