import { join } from 'node:path';
import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildOva, guestImage, makeSmallDisk, until } from '@ledgerlift/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { BUILD_MS, Compose, ComposeApi } from '../installation/compose.js';
import { judgeLog } from '../installation/judge.js';
import { endsInContainers } from '../installation/usual-ends.js';

const MiB = 2 ** 20;
/** virt-v2v in an emulated appliance takes minutes, and is killed halfway. */
const LONG = 2_400_000;
const SERVICES = ['converter', 'planner', 'transfer', 'vm-creator'];

let at: Compose;
beforeAll(async () => {
  at = await Compose.start({ LEDGERLIFT_BOOT_TIMEOUT_S: '900' });
  const nics = [{ network: 'VM Network', model: 'VmxNet3' as const }];
  const folder = at.folder.file('ovas');
  const guest = { disks: [{ raw: await guestImage() }], nics, os: 'debian12_64Guest' };
  const vms = [{ name: 'guest', controller: 'VirtualSCSI' as const, ...guest }];
  await buildOva({ name: 'guest', folder, vms });
  const raw = at.folder.file('disk.raw');
  await makeSmallDisk(raw, { size: 12 * MiB, seed: 4 });
  await buildOva({ name: 'small', folder, vms: [{ name: 'small', disks: [{ raw }], nics }] });
  // The services are another user.
  for (const name of ['guest.ova', 'small.ova']) chmodSync(join(folder, name), 0o644);
}, BUILD_MS);
afterAll(() => at[Symbol.asyncDispose](), 300_000);

/** Of a VM without an operating system, copied so slowly that there is time to kill something. */
const SLOW_COPY = { skipGuestConversion: true, useCompatibilityMode: false, bandwidthLimit: MiB / 2 };

async function logIsWhole(place: string): Promise<void> {
  const { findings, ids } = await judgeLog(place);
  expect(findings).toBe(0);
  expect(ids.length).toBeGreaterThan(10);
  expect(new Set(ids).size).toBe(ids.length);
}

async function postgresUrl(): Promise<string> {
  const { NetworkSettings } = await at.inspect(await at.containerOf('postgres'));
  const [network] = Object.values(NetworkSettings.Networks);
  return `postgres://ledgerlift@${network?.IPAddress ?? ''}/ledgerlift`;
}

/** On how many servers of the cluster the stream of events is kept; undefined while there is none. */
async function replicasOfEvents(): Promise<number | undefined> {
  // The other servers' names mean nothing outside their network.
  const nc = await connect({ servers: 'nats://127.0.0.1:4222', ignoreClusterUpdates: true });
  try {
    const jsm = await jetstreamManager(nc);
    return (await jsm.streams.info('LEDGERLIFT_EVENTS').catch(() => undefined))?.config.num_replicas;
  } finally {
    await nc.close();
  }
}

describe('docker-compose up from a clean clone', () => {
  const api = new ComposeApi();
  beforeAll(() => at.up(), BUILD_MS);
  afterAll(() => at.down(), LONG);

  it('runs NATS and the four services, each as a user without rights', async () => {
    const containers = await at.containers();
    expect(containers.map((name) => name.replace(/^ledgerlift[_-](.*)[_-]1$/, '$1'))).toEqual(
      [...SERVICES, 'nats'].sort(),
    );
    for (const name of containers) expect(await at.docker('exec', name, 'id', '-u')).not.toBe('0\n');
  });

  it("takes definitions from the CLI in the planner's container", async () => {
    // JSON is YAML.
    const { source, target } = endsInContainers;
    const definitions = [source, target].map((provider) => JSON.stringify(provider)).join('\n---\n');
    await at.ledgerlift(['provider', 'create', '-f', '-'], definitions);
    expect(await at.ledgerlift(['inventory', 'files'], '')).toMatch(/guest[^]*small/);
  });

  it(
    'migrates a guest although the main process of each container is killed',
    async () => {
      const bandwidthLimit = 8 * MiB;
      const migration = await api.migrate('guest', { verify: 'full', bootProof: true, bandwidthLimit });
      for (const service of ['transfer', 'nats', 'planner']) {
        await api.running(migration, 'DiskTransfer');
        await at.kill(service);
      }
      await api.running(migration, 'ImageConversion');
      await at.kill('converter');
      await api.running(migration, 'BootProof');
      await at.kill('vm-creator');
      await api.succeeded(migration, LONG);
      const vm = await api.vm(migration);
      expect(vm.bootProof).toMatchObject({ booted: true });
      expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
    },
    LONG,
  );

  it('has kept a log whose hash chains hold', async () => {
    const planner = await at.containerOf('planner');
    await at.compose('stop', 'planner');
    await at.docker('cp', `${planner}:/data`, at.folder.file('log'));
    await logIsWhole(at.folder.file('log', 'events.db'));
  }, 300_000);
});

describe('the profile postgres', () => {
  const api = new ComposeApi();
  beforeAll(() => at.up('postgres'), BUILD_MS);
  afterAll(() => at.down('postgres'), LONG);

  it(
    'migrates a VM although PostgreSQL and the planner are killed',
    async () => {
      await api.createProviders();
      const migration = await api.migrate('small', SLOW_COPY);
      for (const service of ['postgres', 'planner-postgres']) {
        await api.running(migration, 'DiskTransfer');
        await at.kill(service);
      }
      await api.succeeded(migration, LONG);
      await logIsWhole(await postgresUrl());
    },
    LONG,
  );
});

describe('the profile cluster', () => {
  const api = new ComposeApi(['http://127.0.0.1:7420', 'http://127.0.0.1:7424']);
  beforeAll(() => at.up('cluster'), BUILD_MS);
  afterAll(() => at.down('cluster'), LONG);

  it('keeps the events on three servers', async () => {
    await api.leader();
    await until('the stream on three servers', async () => (await replicasOfEvents()) === 3);
  });

  it(
    'migrates a VM although a NATS server and the leading planner are killed',
    async () => {
      await api.createProviders();
      const migration = await api.migrate('small', SLOW_COPY);
      await api.running(migration, 'DiskTransfer');
      await at.kill('nats-2');
      await api.running(migration, 'DiskTransfer');
      await at.kill((await api.leader()).endsWith(':7420') ? 'planner-1' : 'planner-2');
      await api.succeeded(migration, LONG);
      await logIsWhole(await postgresUrl());
    },
    LONG,
  );
});
