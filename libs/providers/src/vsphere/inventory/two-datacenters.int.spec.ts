import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { temporaryFolder } from '@ledgerlift/testing';
import { checkVsphere } from '../check.js';
import { sessionOf } from '../session.js';
import type { VimArguments } from '../soap/client.js';
import type { ObjectRef } from '../soap/xml.js';
import { propertiesOf } from '../soap/properties.js';
import { runTask } from '../soap/tasks.js';
import { patience, vsphereWorld, type World } from '../spec/world.js';
import { readInventory } from './index.js';

const NAME = 'esx-of-dc1';

/** Two datacenters, each with a folder `prod` that has a VM. */
let world: World;
let addHostOfThatName: () => Promise<void>;
const folder = temporaryFolder('two-datacenters');
beforeAll(async () => {
  world = await vsphereWorld({ vms: [{ name: 'a', off: true }] });
  // The simulator's own look-up knows one datacenter.
  const first = { type: 'VirtualMachine', id: (await world.vsphere.vm('a')).moref };
  const session = sessionOf(world.provider);
  const { signal } = patience();
  const made = async (what: string, on: ObjectRef, args: VimArguments): Promise<ObjectRef> => {
    const ref = (await session.call(what, on, args, { signal })).refAt('returnval');
    if (ref === undefined) throw new Error(`${what} made nothing`);
    return ref;
  };
  const refOf = async (on: ObjectRef, path: string): Promise<ObjectRef> => {
    const value = (await propertiesOf(session, on, [path], signal)).get(path);
    const ref = value?.ref ?? value?.parts[0]?.ref;
    if (ref === undefined) throw new Error(`${on.id} has no ${path}`);
    return ref;
  };
  const { rootFolder } = await session.content(signal);
  const datacenter = await made('CreateDatacenter', rootFolder, { name: 'DC1' });
  const spec = { hostName: NAME, port: 443, userName: 'root', password: 'hunter2', force: true };
  const hosts = await refOf(datacenter, 'hostFolder');
  await runTask(session, 'AddStandaloneHost_Task', hosts, { spec, addConnected: true }, patience());
  addHostOfThatName = async () => {
    const third = await refOf(await made('CreateDatacenter', rootFolder, { name: 'DC2' }), 'hostFolder');
    await runTask(session, 'AddStandaloneHost_Task', third, { spec, addConnected: true }, patience());
  };
  const vms = await refOf(datacenter, 'vmFolder');
  const prod = await made('CreateFolder', vms, { name: 'prod' });
  const resource = await refOf(hosts, 'childEntity');
  const host = await refOf(resource, 'host');
  const datastores = await refOf(host, 'configManager.datastoreSystem');
  await made('CreateLocalDatastore', datastores, { name: 'LocalDS_0', path: folder.path });
  const config = {
    name: 'b',
    guestId: 'otherGuest',
    files: { vmPathName: '[LocalDS_0]' },
    numCPUs: 1,
    memoryMB: 64,
  };
  const pool = await refOf(resource, 'resourcePool');
  await runTask(session, 'CreateVM_Task', prod, { config, pool, host }, patience());
  const other = await made('CreateFolder', await refOf(first, 'parent'), { name: 'prod' });
  await runTask(session, 'MoveIntoFolder_Task', other, { list: [first] }, patience());
});
afterAll(async () => {
  await world.end();
  await folder.remove();
});

it('places of one name in two datacenters have ids and paths of their own', async () => {
  const inventory = await readInventory(sessionOf(world.provider), () => [], patience().signal);
  const { vms, datacenters = [], folders = [], hosts = [], networks, storages } = inventory;
  const pathsOf = (
    places: readonly { readonly name: string; readonly path?: string | undefined }[],
    name: string,
  ) => places.flatMap((place) => (place.name === name ? [place.path] : [])).toSorted();
  expect(pathsOf(folders, '/prod')).toEqual(['/DC0/vm/prod', '/DC1/vm/prod']);
  expect(pathsOf(storages, 'LocalDS_0')).toEqual(['/DC0/datastore/LocalDS_0', '/DC1/datastore/LocalDS_0']);
  expect(pathsOf(networks, 'VM Network')).toEqual(['/DC0/network/VM Network', '/DC1/network/VM Network']);
  const idAt = (
    places: readonly { readonly id: string; readonly path?: string | undefined }[],
    path: string,
  ) => places.find((place) => place.path === path)?.id;
  const [a, b] = vms;
  for (const [vm, dc] of [
    [a, 'DC0'],
    [b, 'DC1'],
  ] as const) {
    expect(vm).toMatchObject({ folder: '/prod', datacenterId: idAt(datacenters, `/${dc}`) });
    expect(vm?.folderIds).toEqual([`/${dc}/vm/prod`, `/${dc}/vm`].map((path) => idAt(folders, path)));
    expect(hosts.find(({ id }) => id === vm?.hostId)?.path).toMatch(`/${dc}/host/`);
  }
});

it('a host whose secret is not here is told by its name, or by its id where another has that name', async () => {
  await addHostOfThatName();
  const { hosts = [] } = await readInventory(sessionOf(world.provider), () => [], patience().signal);
  const secret = { name: 'nowhere' };
  const problems = async (...of: (string | undefined)[]): Promise<readonly string[]> => {
    const settings = { ...world.provider.settings, hosts: of.map((host) => ({ host, secret })) };
    return (await checkVsphere(world.providerWith(settings))).map(({ item }) => item);
  };
  const [twin, other] = hosts.filter(({ name }) => name === NAME);
  const single = hosts.find(({ name }) => name !== NAME);
  expect(other).toBeDefined();
  expect(await problems(twin?.id, single?.id, NAME)).toEqual([twin?.id, single?.name, NAME]);
});
