import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceVm } from '@ledgerlift/contracts';
import { currentMoment, powerState } from './power.js';
import { vsphereProvider } from './provider.js';
import { retire } from './retire.js';
import { vsphereSnapshots as snapshots } from './snapshots.js';
import { bareVm, patience, vsphereWorld, type World } from './spec/world.js';

let world: World;
let vm: SourceVm;
let count = 0;
beforeAll(async () => {
  world = await vsphereWorld({ vms: 0 });
});
afterAll(() => world.end());
beforeEach(async () => {
  const name = `vm${(count += 1)}`;
  await world.vsphere.addVm({ name, off: true, changeTracking: true });
  vm = await bareVm(world, name);
  await snapshots.create(world.provider, vm, 'ours', patience());
});

const current = () => vsphereProvider.currentVm(world.provider, vm.id);
const unreadable = { code: 'LL-VSP-015', failure: 'transient' };
const asked: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['the VM', current],
  ['its snapshots', () => snapshots.list(world.provider, vm)],
  ['the removal of a snapshot', () => snapshots.remove(world.provider, vm, 'ours', patience())],
  ['its moment', () => currentMoment(world.provider, vm)],
  [
    'its disks',
    async () => {
      const [disk] = vm.disks;
      return disk && vsphereProvider.diskAccess(world.provider, vm, disk);
    },
  ],
  [
    'its retirement',
    () =>
      retire(
        world.provider,
        vm,
        { disconnectNics: true, renameSuffix: undefined, tag: undefined },
        patience(),
      ),
  ],
];

describe('a VM whose storage is away', () => {
  it.each(asked)('is not taken for gone, nor for one that has nothing: %s', async (_, ask) => {
    await world.vsphere.setStorage(vm.id, 'away');
    await expect(ask()).rejects.toMatchObject(unreadable);
    await world.vsphere.setStorage(vm.id, 'back');
    await expect(ask()).resolves.not.toThrow();
  });

  it('is in no known power state, and a problem of the inventory', async () => {
    await world.vsphere.setStorage(vm.id, 'away');
    expect(await powerState(world.provider, vm)).toBe('unknown');
    const { problems, vms } = await vsphereProvider.inventory(world.provider);
    expect(problems).toContainEqual(expect.objectContaining({ code: 'LL-VSP-015', item: vm.name }));
    expect(vms.map(({ id }) => id)).not.toContain(vm.id);
    await world.vsphere.setStorage(vm.id, 'back');
    expect(await powerState(world.provider, vm)).toBe('off');
  });
});

describe('a VM that was made a template', () => {
  it('is left to an operator', async () => {
    const template = (_value: boolean) =>
      world.vsphere.set(vm.id, { properties: { 'config.template': { _typeName: 'boolean', _value } } });
    await template(true);
    await expect(current()).rejects.toMatchObject({ code: 'LL-VSP-027', failure: 'needs-operator' });
    await template(false);
    expect(await current()).toMatchObject({ id: vm.id });
  });
});

describe('a VM that is gone', () => {
  it('is told as gone', async () => {
    await world.vsphere.deleteVm(vm.id);
    expect(await current()).toBeUndefined();
    await expect(snapshots.list(world.provider, vm)).rejects.toMatchObject({
      fault: 'ManagedObjectNotFound',
    });
  });
});
