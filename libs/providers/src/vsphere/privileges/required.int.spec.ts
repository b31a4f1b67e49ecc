import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import { temporaryFolder } from '@ledgerlift/testing';
import { vsphereProvider } from '../provider.js';
import { bareVm, patience, vsphereWorld, type World } from '../spec/world.js';
import { type RoleKind, roleKinds, roleText } from './required.js';

const MIB = 1024 * 1024;
const password = 'hunter2 & co';
/** As `ledgerlift vsphere role` prints it. */
const kinds = Object.keys(roleKinds) as RoleKind[];
const role = JSON.parse(roleText({ name: 'ledgerlift', kinds, format: 'json', at: 'vcenter' })) as {
  readonly privileges: readonly { readonly id: string }[];
};
const every = role.privileges.map(({ id }) => id);
const without = (id: string): string => `without-${id.replaceAll('.', '-').toLowerCase()}`;
const folder = temporaryFolder('role');
let world: World;
let count = 0;
beforeAll(async () => {
  const user = (privileges: readonly string[]) => ({ password, privileges });
  world = await vsphereWorld({
    vms: 0,
    users: {
      exact: user(every),
      ...Object.fromEntries(every.map((id) => [without(id), user(every.filter((each) => each !== id))])),
    },
  });
});
afterAll(async () => {
  await world.end();
  await folder.remove();
});

const providerOf = (user: string): ProviderSpec =>
  world.providerWith({ caCertificate: readFileSync(world.vsphere.caFile, 'utf8') }, { user, password });
async function made(more: object = {}): Promise<SourceVm> {
  const name = `vm-of-role-${(count += 1)}`;
  await world.vsphere.addVm({ name, changeTracking: true, disks: [{ capacityBytes: 2 * MIB }], ...more });
  return bareVm(world, name);
}

const { snapshots } = vsphereProvider;
if (snapshots === undefined) throw new TypeError('vSphere has snapshots');
const noPlugin = { problem: 'it is not wanted here' };
const retired = async (provider: ProviderSpec, vm: SourceVm, what: object): Promise<unknown> =>
  vsphereProvider.retire?.(provider, vm, { disconnectNics: false, ...what }, patience());
const access = async (provider: ProviderSpec, vm: SourceVm, curl: { plugin: string } | typeof noPlugin) => {
  const [disk] = vm.disks;
  if (disk === undefined) throw new TypeError('it has no disk');
  const reader = { tools: { vddk: noPlugin, 'nbdkit-curl': curl }, signal: patience().signal };
  // Who reads has looked at the VM before.
  return vsphereProvider.diskAccess(provider, { ...vm, powerState: 'off' }, disk, undefined, reader);
};

/** Of each privilege, what cannot be done without it, and the VM that it is done to. */
const doings: Readonly<
  Record<string, readonly [vm: object, does: (provider: ProviderSpec, vm: SourceVm) => Promise<unknown>]>
> = {
  'VirtualMachine.Interact.PowerOff': [
    {},
    (provider, vm) =>
      vsphereProvider.powerOff(provider, vm, { timeLimitMs: 1, then: 'force' }, patience().signal),
  ],
  'VirtualMachine.Interact.PowerOn': [
    { off: true },
    (provider, vm) => vsphereProvider.powerOn(provider, vm, patience()),
  ],
  'VirtualMachine.State.CreateSnapshot': [
    {},
    (provider, vm) => snapshots.create(provider, vm, 'ledgerlift-1', patience()),
  ],
  'VirtualMachine.State.RemoveSnapshot': [
    {},
    async (provider, vm) => {
      await snapshots.create(world.provider, vm, 'ledgerlift-1', patience());
      return snapshots.remove(provider, vm, 'ledgerlift-1', patience());
    },
  ],
  'VirtualMachine.Provisioning.DiskRandomRead': [
    {},
    async (provider, vm) => {
      const now = await snapshots.create(world.provider, vm, 'ledgerlift-1', patience());
      const [disk] = vm.disks;
      return disk && snapshots.changes(provider, vm, disk, now, '*', patience().signal);
    },
  ],
  'VirtualMachine.Config.ChangeTracking': [
    { changeTracking: false },
    (provider, vm) =>
      snapshots.create(provider, vm, 'ledgerlift-1', patience(), { enableChangeTracking: true }),
  ],
  'VirtualMachine.Config.EditDevice': [{}, (provider, vm) => retired(provider, vm, { disconnectNics: true })],
  'VirtualMachine.Interact.DeviceConnection': [
    {},
    (provider, vm) => retired(provider, vm, { disconnectNics: true }),
  ],
  'VirtualMachine.Config.Rename': [{}, (provider, vm) => retired(provider, vm, { renameSuffix: '-old' })],
  'InventoryService.Tagging.CreateCategory': [{}, (provider, vm) => retired(provider, vm, { tag: 'moved' })],
  'InventoryService.Tagging.CreateTag': [
    {},
    async (provider, vm) => {
      await retired(world.provider, vm, { tag: 'earlier' });
      return retired(provider, vm, { tag: `moved-${vm.id}` });
    },
  ],
  'InventoryService.Tagging.AttachTag': [{}, (provider, vm) => retired(provider, vm, { tag: 'earlier' })],
  'InventoryService.Tagging.ObjectAttachable': [
    {},
    (provider, vm) => retired(provider, vm, { tag: 'earlier' }),
  ],
  'VApp.Export': [
    { off: true },
    async (provider, vm) => {
      const way = await access(provider, vm, noPlugin);
      if (way.kind !== 'unpack') throw new TypeError(`it is read by ${way.kind}`);
      const file = folder.file(vm.name);
      await way.unpackTo(file, patience().signal);
      return (await stat(file)).size;
    },
  ],
  'Datastore.Browse': [{ off: true }, (provider, vm) => access(provider, vm, { plugin: 'curl' })],
  'Datastore.FileManagement': [{ off: true }, (provider, vm) => access(provider, vm, { plugin: 'curl' })],
};
/** Asked for by VDDK, which transfer workers read with, or by every call. */
const elsewhere = [
  'Sessions.ValidateSession',
  'System.Read',
  'System.View',
  'VirtualMachine.Provisioning.GetVmFiles',
];

describe('the role that is printed', () => {
  it('has nothing that is not tried here, or by who reads with VDDK', () => {
    expect([...Object.keys(doings), ...elsewhere].toSorted()).toEqual(every.toSorted());
  });

  it.each(Object.keys(doings))(
    'lacks nothing for what needs %s, and cannot do it without that',
    async (id) => {
      const [vm, does] = doings[id] ?? [{}, () => Promise.resolve()];
      const refused = does(providerOf(without(id)), await made(vm));
      await expect(refused).rejects.toMatchObject({
        code: expect.stringMatching(/^LL-VSP-(008|018|043)$/),
        failure: 'needs-operator',
        message: expect.stringContaining(id),
      });
      expect(await does(providerOf('exact'), await made(vm))).toBeDefined();
    },
  );

  it('is enough for the inventory, live and at once', async () => {
    const provider = providerOf('exact');
    const { vms, problems } = await vsphereProvider.inventory(provider);
    expect(vms.length).toBeGreaterThan(0);
    expect(problems).toEqual([]);
    const stop = new AbortController();
    const seen = new Promise<number>((resolve, reject) => {
      void vsphereProvider.watch?.(
        provider,
        { changed: (now) => resolve(now.vms.length), broken: reject },
        stop.signal,
      );
    });
    expect(await seen).toBe(vms.length);
    stop.abort();
  });
});
