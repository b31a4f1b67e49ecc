import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import type { VsphereUser } from '@ledgerlift/testing';
import { currentMoment, powerOff } from './power.js';
import { vsphereSnapshots as snapshots } from './snapshots.js';
import { bareVm, patience, vsphereWorld, type World } from './spec/world.js';

const password = 'hunter2 & co';
const reader: VsphereUser = {
  password,
  privileges: ['System.Anonymous', 'System.Read', 'System.View', 'VirtualMachine.Interact.PowerOff'],
};

describe.each([
  ['a vCenter', { esxi: false }],
  ['a host without a vCenter', { esxi: true }],
])('the moment of a VM that is off, at %s', (_, { esxi }) => {
  let world: World;
  let count = 0;
  beforeAll(async () => {
    world = await vsphereWorld({ vms: 0, esxi, users: { reader } });
  });
  afterAll(() => world.end());
  const running = async (): Promise<SourceVm> => {
    const name = `vm${(count += 1)}`;
    await world.vsphere.addVm({ name, tools: { status: 'running' } });
    return bareVm(world, name);
  };
  const off = async (vm: SourceVm, provider: ProviderSpec = world.provider): Promise<string> =>
    (await powerOff(provider, vm, { timeLimitMs: 240_000, then: 'fail' }, patience().signal)).momentId;
  const now = (vm: SourceVm): Promise<string | undefined> => currentMoment(world.provider, vm);

  it('is another one each time it has run', async () => {
    const vm = await running();
    expect(await now(vm)).toBeUndefined();
    const first = await off(vm);
    expect(await now(vm)).toBe(first);
    await world.vsphere.powerOn(vm.id);
    await world.vsphere.powerOff(vm.id);
    const second = await now(vm);
    expect(second).toEqual(expect.any(String));
    expect(second).not.toBe(first);
  });

  it('is another one after a revert', async () => {
    const vm = await running();
    await world.vsphere.snapshotOf(vm.id, 'before');
    const first = await off(vm);
    await world.vsphere.revert(vm.id, 'before');
    expect(await now(vm)).toEqual(expect.any(String));
    expect(await now(vm)).not.toBe(first);
  });

  it('stays the same while snapshots of it come and go', async () => {
    const vm = await running();
    const first = await off(vm);
    await snapshots.create(world.provider, vm, 's', patience()).catch(() => undefined);
    expect(await now(vm)).toBe(first);
    await snapshots.remove(world.provider, vm, 's', patience());
    expect(await now(vm)).toBe(first);
  });

  it('is another one after a run of which all events are forgotten', async () => {
    const vm = await running();
    await world.vsphere.powerOff(vm.id);
    await world.vsphere.forgetEvents();
    const first = await now(vm);
    await world.vsphere.powerOn(vm.id);
    await world.vsphere.powerOff(vm.id);
    await world.vsphere.forgetEvents();
    expect(await now(vm)).toEqual(expect.any(String));
    expect(await now(vm)).not.toBe(first);
  });

  it('of a user who may not read files is known by events, or not at all', async () => {
    const vm = await running();
    const trust = { caCertificate: readFileSync(world.vsphere.caFile, 'utf8') };
    const asked = off(vm, world.providerWith(trust, { user: 'reader', password }));
    if (esxi)
      await expect(asked).rejects.toMatchObject({
        code: 'LL-VSP-028',
        failure: 'needs-operator',
        message: expect.stringContaining('Datastore.FileManagement, and Datastore.Browse'),
      });
    else expect(await asked).toMatch(/run-\d+$/);
  });
});
