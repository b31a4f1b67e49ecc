import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Inventory } from '@ledgerlift/contracts';
import { sessionOf } from '../session.js';
import { VsphereRest } from '../rest.js';
import { runTask } from '../soap/tasks.js';
import { patience, vsphereWorld, type World } from '../spec/world.js';
import { readInventory, readVm, watchInventory } from './index.js';

const MIB = 1024 * 1024;
const noConcerns = () => [];
let world: World;
beforeAll(async () => {
  world = await vsphereWorld({
    vms: [
      {
        name: 'db1',
        cpus: 4,
        memoryMb: 2048,
        guestId: 'rhel9_64Guest',
        firmware: 'efi',
        secureBoot: true,
        changeTracking: true,
        networks: ['VM Network', 'DC0_DVPG0'],
        tools: { status: 'running', ip: '10.0.0.7', hostName: 'db1.example.com' },
        disks: [{ capacityBytes: 8 * MIB }, { capacityBytes: 4 * MIB, controller: 'nvme' }],
      },
      { name: 'web', off: true, guestId: 'windows2019srv_64Guest' },
    ],
  });
});
afterAll(() => world.end());

const read = (): Promise<Inventory> =>
  readInventory(sessionOf(world.provider), noConcerns, patience().signal);
const vmOf = async (name: string) => {
  const found = (await read()).vms.find((vm) => vm.name === name);
  if (found === undefined) throw new TypeError(`no VM ${name}`);
  return found;
};
async function eventually(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; !condition();) {
    if (Date.now() > deadline) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the inventory of a vCenter', () => {
  it('has its VMs with what a migration asks of them', async () => {
    expect(await vmOf('db1')).toMatchObject({
      path: '/db1',
      folder: '/',
      powerState: 'on',
      host: expect.stringMatching(/^DC0_/),
      datacenter: 'DC0',
      cpu: { count: 4 },
      memory: { bytes: 2048 * MIB },
      firmware: 'efi',
      secureBoot: true,
      changeTracking: 'on',
      snapshots: [],
      os: { id: 'rhel9_64Guest', family: 'linux' },
      guest: { tools: 'running', hostName: 'db1.example.com' },
      serial: expect.stringMatching(/^VMware(-[0-9a-f]{2}( [0-9a-f]{2}){7}){2}$/),
      disks: [
        {
          bus: 'scsi',
          capacityBytes: 8 * MIB,
          storage: 'LocalDS_0',
          serial: expect.stringMatching(/^[0-9a-f]{32}$/),
          backing: { format: 'flat', mode: 'persistent' },
        },
        { bus: 'nvme', capacityBytes: 4 * MIB },
      ],
      nics: [{ network: 'VM Network' }, { network: 'DC0_DVPG0' }],
    });
    expect(await vmOf('web')).toMatchObject({
      powerState: 'off',
      changeTracking: 'off',
      os: { family: 'windows' },
    });
  });

  it('has networks and datastores by the names that mappings use', async () => {
    const { networks, storages, hosts = [], problems } = await read();
    expect(hosts).toContainEqual(
      expect.objectContaining({
        datacenter: 'DC0',
        cluster: 'DC0_C0',
        state: 'connected',
        adapters: expect.arrayContaining([expect.objectContaining({ name: 'vmnic0' })]),
      }),
    );
    expect(storages).toContainEqual(
      expect.objectContaining({
        name: 'LocalDS_0',
        capacityBytes: expect.any(Number),
        freeBytes: expect.any(Number),
      }),
    );
    expect(networks.map(({ name }) => name)).toEqual(expect.arrayContaining(['VM Network', 'DC0_DVPG0']));
    expect(storages.map(({ name }) => name)).toEqual(expect.arrayContaining(['LocalDS_0', 'LocalDS_1']));
    expect(problems).toEqual([]);
  });

  it('knows networks and datastores by id: names are unescaped, and belong to several', async () => {
    await world.vsphere.addVm({ name: 'wired', off: true, networks: ['VM Network', 'DC0_DVPG0'] });
    const before = await read();
    const port = before.networks.find(({ name }) => name === 'DC0_DVPG0');
    expect(port?.path).toBe('/DC0/network/DC0_DVPG0');
    const { signal } = patience();
    const ref = { type: 'DistributedVirtualPortgroup', id: port?.id ?? '' };
    const newName = '10.1.2.0%2f24';
    await runTask(
      sessionOf(world.provider),
      'Rename_Task',
      ref,
      { newName },
      { signal, timeLimitMs: 240_000 },
    );
    const { networks, storages, vms } = await read();
    const wired = vms.find(({ name }) => name === 'wired');
    expect(networks).toContainEqual(expect.objectContaining({ id: port?.id, name: '10.1.2.0/24' }));
    expect(wired?.nics[1]).toMatchObject({ network: '10.1.2.0/24', networkId: port?.id });
    expect(wired?.nics[0]?.networkId).toBe(networks.find(({ name }) => name === 'VM Network')?.id);
    expect(wired?.disks[0]?.storageId).toBe(storages.find(({ name }) => name === 'LocalDS_0')?.id);
  });

  it('has the tags and the custom attributes of a VM', async () => {
    const { moref } = await world.vsphere.addVm({ name: 'tagged', off: true });
    const { signal } = patience();
    const session = sessionOf(world.provider);
    await VsphereRest.within(session, signal, async (rest) => {
      const base = '/rest/com/vmware/cis/tagging';
      const category_id = await rest.ask('POST', `${base}/category`, {
        create_spec: { name: 'tier', description: '', cardinality: 'SINGLE', associable_types: [] },
      });
      const tag = await rest.ask('POST', `${base}/tag`, {
        create_spec: { name: 'gold', description: '', category_id },
      });
      await rest.ask('POST', `${base}/tag-association/id:${String(tag)}?~action=attach`, {
        object_id: { id: moref, type: 'VirtualMachine' },
      });
    });
    const { customFieldsManager = { type: '', id: '' } } = await session.content(signal);
    const field = await session.call(
      'AddCustomFieldDef',
      customFieldsManager,
      { name: 'owner', moType: 'VirtualMachine' },
      { signal },
    );
    const key = field.numberAt('returnval.key') ?? -1;
    const entity = { type: 'VirtualMachine', id: moref };
    await session.call('SetField', customFieldsManager, { entity, key, value: 'ann' }, { signal });
    expect(await vmOf('tagged')).toMatchObject({
      tags: ['gold', 'tier/gold'],
      attributes: { owner: 'ann' },
    });
    expect((await vmOf('web')).tags).toEqual([]);
  });

  it('knows a VM by its id, and not once it is gone', async () => {
    const { moref } = await world.vsphere.addVm({ name: 'short-lived' });
    const one = () => readVm(sessionOf(world.provider), moref, noConcerns, patience().signal);
    expect(await one()).toMatchObject({ name: 'short-lived' });
    await world.vsphere.powerOff(moref);
    await world.vsphere.deleteVm(moref);
    expect(await one()).toBeUndefined();
  });

  it('has a fingerprint that neither power, snapshot, name nor host change', async () => {
    const { moref } = await world.vsphere.addVm({ name: 'moved', tools: { status: 'running' } });
    const one = async () =>
      (await readVm(sessionOf(world.provider), moref, noConcerns, patience().signal))?.fingerprint;
    const before = await one();
    await world.vsphere.powerOff(moref);
    await world.vsphere.snapshotOf(moref, 's');
    await world.vsphere.renameVm(moref, 'moved-2');
    await world.vsphere.storageVmotion(moref, 'LocalDS_1');
    expect(await one()).toBe(before);
    await world.vsphere.addDisk(moref, MIB);
    expect(await one()).not.toBe(before);
  });

  it('makes a view anew that went with its session', async () => {
    const before = (await world.vsphere.calls())['CreateContainerView'] ?? 0;
    await world.vsphere.fault({
      method: 'RetrievePropertiesEx',
      as: 'fault',
      fault: 'ManagedObjectNotFound',
    });
    expect((await read()).vms.map(({ name }) => name)).toContain('db1');
    const after = (await world.vsphere.calls())['CreateContainerView'] ?? 0;
    expect(after - before).toBe(3);
  });
});

describe('a live inventory', () => {
  let stop: AbortController;
  let seen: Inventory | undefined;
  let readings = 0;
  let breaks = 0;
  let watching: Promise<void>;
  const has = (name: string) => seen?.vms.find((vm) => vm.name === name);
  beforeAll(async () => {
    stop = new AbortController();
    watching = watchInventory(
      sessionOf(world.provider),
      noConcerns,
      {
        changed: (inventory) => {
          seen = inventory;
          readings += 1;
        },
        broken: () => (breaks += 1),
      },
      stop.signal,
    );
    await eventually(() => seen !== undefined);
  });
  afterAll(async () => {
    stop.abort();
    await watching;
  });

  it('sees a VM come, change and go', async () => {
    const { moref } = await world.vsphere.addVm({ name: 'newcomer', off: true });
    await eventually(() => has('newcomer') !== undefined);
    await world.vsphere.powerOn(moref);
    await eventually(() => has('newcomer')?.powerState === 'on');
    await world.vsphere.renameVm(moref, 'old hand');
    await eventually(() => has('old hand') !== undefined && has('newcomer') === undefined);
    await world.vsphere.powerOff(moref);
    await world.vsphere.deleteVm(moref);
    await eventually(() => has('old hand') === undefined);
  });

  it('is whole again after the session has ended, and after a restart of vCenter', async () => {
    const before = readings;
    await world.vsphere.expireSessions();
    await world.vsphere.addVm({ name: 'after the session', off: true });
    await eventually(() => has('after the session') !== undefined);
    await world.vsphere.outage(300);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await world.vsphere.addVm({ name: 'after the outage', off: true });
    await eventually(() => has('after the outage') !== undefined);
    expect(readings).toBeGreaterThan(before);
    expect(breaks).toBeGreaterThan(0);
  });
});

it('stays live where what there is comes in several answers', async () => {
  const large = await vsphereWorld({ vms: 700 });
  const stop = new AbortController();
  const broken: unknown[] = [];
  let seen: Inventory | undefined;
  const watcher = {
    changed: (inventory: Inventory) => (seen = inventory),
    broken: (error: unknown) => broken.push(error),
  };
  const watching = watchInventory(sessionOf(large.provider), noConcerns, watcher, stop.signal);
  try {
    await eventually(() => seen?.vms.length === 700);
    await large.vsphere.renameVm('vm7', 'other');
    await eventually(() => seen?.vms.some(({ name }) => name === 'other') === true);
    expect(broken).toEqual([]);
  } finally {
    stop.abort();
    await watching;
    await large.end();
  }
});
