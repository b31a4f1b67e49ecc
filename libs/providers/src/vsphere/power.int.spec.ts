import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SourceVm } from '@ledgerlift/contracts';
import { currentMoment, powerOff, powerOn, powerState } from './power.js';
import { connectedNics, nicsOf, restore, retire } from './retire.js';
import { sessionOf } from './session.js';
import { bareVm, patience, vsphereWorld, type World } from './spec/world.js';
import { vmProperties } from './vm.js';

let world: World;
let count = 0;
beforeAll(async () => {
  world = await vsphereWorld({ vms: 0 });
});
afterAll(() => world.end());

async function running(more: object = {}): Promise<SourceVm> {
  const name = `vm${(count += 1)}`;
  await world.vsphere.addVm({ name, tools: { status: 'running' }, ...more });
  return bareVm(world, name);
}
const off = (vm: SourceVm, then: 'force' | 'fail' | 'wait', timeLimitMs = 5000) =>
  powerOff(world.provider, vm, { timeLimitMs, then }, patience().signal);
const effects = async (vm: SourceVm): Promise<readonly string[]> =>
  (await world.vsphere.journal()).filter((line) => line.vm === vm.id).map(({ effect }) => effect);

/** What a reconfiguration must not change, beside what it may. */
async function nicsAsRead(vm: SourceVm) {
  const path = 'config.hardware.device';
  const now = await vmProperties(sessionOf(world.provider), vm, [path], patience().signal);
  return nicsOf(now.get(path)).map((nic) => ({
    kind: nic.kind,
    key: nic.textAt('key'),
    mac: nic.textAt('macAddress'),
    addressType: nic.textAt('addressType'),
    wakeOnLan: nic.textAt('wakeOnLanEnabled'),
    network: nic.textAt('backing.deviceName') ?? nic.textAt('backing.port.portgroupKey') ?? '',
    startConnected: nic.flagAt('connectable.startConnected'),
    connected: nic.flagAt('connectable.connected'),
    allowGuestControl: nic.flagAt('connectable.allowGuestControl'),
  }));
}

describe('the power of a VM', () => {
  it('is switched off by asking its guest, and each run is another moment', async () => {
    const vm = await running();
    expect(await powerState(world.provider, vm)).toBe('on');
    expect(await currentMoment(world.provider, vm)).toBeUndefined();
    const first = await off(vm, 'fail');
    expect(first.how).toBe('shut-down');
    expect(await off(vm, 'fail')).toEqual({ ...first, how: 'was-off' });
    expect(await currentMoment(world.provider, vm)).toBe(first.momentId);
    expect(await powerOn(world.provider, vm, patience())).toBe('on');
    expect(await powerOn(world.provider, vm, patience())).toBe('on');
    const second = await off(vm, 'fail');
    expect(second.momentId).not.toBe(first.momentId);
    // The first was before.
    expect((await effects(vm)).filter((effect) => effect === 'power-on')).toHaveLength(2);
  });

  it('is forced off, failed or left to an operator when its guest does not heed', async () => {
    const vm = await running({ ignoreShutdown: true });
    await expect(off(vm, 'fail', 200)).rejects.toMatchObject({ code: 'LL-VSP-012', failure: 'permanent' });
    await expect(off(vm, 'wait', 200)).rejects.toMatchObject({
      code: 'LL-VSP-012',
      failure: 'needs-operator',
    });
    expect(await powerState(world.provider, vm)).toBe('on');
    expect(await off(vm, 'force', 200)).toMatchObject({ how: 'forced' });
    expect(await powerState(world.provider, vm)).toBe('off');
  });

  it('of a guest without tools is switched as the plan says, and at once', async () => {
    const vm = await running({ tools: { status: 'not-installed' } });
    await expect(off(vm, 'wait', 60_000)).rejects.toThrow('no VMware Tools');
    expect(await off(vm, 'force', 60_000)).toMatchObject({ how: 'forced' });
  });

  it('that was switched by somebody meanwhile is as it should be', async () => {
    const vm = await running({ tools: { status: 'not-installed' } });
    const fault = { object: vm.id, fault: 'InvalidPowerState', after: true } as const;
    await world.vsphere.fault({ ...fault, method: 'PowerOffVM_Task' });
    expect(await off(vm, 'force')).toMatchObject({ how: 'forced' });
    await world.vsphere.fault({ ...fault, method: 'PowerOnVM_Task' });
    expect(await powerOn(world.provider, vm, patience())).toBe('on');
  });
});

describe('a source that is retired', () => {
  it('loses its NICs, and gets a name and a mark, once', async () => {
    const vm = await running({ networks: ['VM Network', 'DC0_DVPG0'], off: true });
    const what = { disconnectNics: true, renameSuffix: '-migrated', tag: 'moved' };
    const did = await retire(world.provider, vm, what, patience());
    expect(did).toHaveLength(3);
    expect((await world.vsphere.vm(vm.id)).name).toBe(`${vm.name}-migrated`);
    expect(await retire(world.provider, vm, what, patience())).toEqual([]);
  });

  it('keeps the rest of its NICs as it was read: network, MAC, wake-on-LAN', async () => {
    const vm = await running({ networks: ['VM Network', 'DC0_DVPG0'], off: true });
    const before = await nicsAsRead(vm);
    await retire(world.provider, vm, { disconnectNics: true }, patience());
    const after = await nicsAsRead(vm);
    expect(before.map(({ network, mac }) => [network, mac].every((each) => each !== ''))).toEqual([
      true,
      true,
    ]);
    expect(after).toEqual(before.map((nic) => ({ ...nic, startConnected: false, connected: false })));
  });

  it('is restored as it was, with its power left as it is', async () => {
    const vm = await running({ networks: ['VM Network', 'DC0_DVPG0'], off: true });
    const before = await nicsAsRead(vm);
    const nics = await connectedNics(world.provider, vm);
    expect(nics).toHaveLength(2);
    const what = { disconnectNics: true, renameSuffix: '-migrated', tag: 'moved' };
    await retire(world.provider, vm, what, patience());
    const was = { connectedNics: nics, tag: 'ours' as const };
    expect(await restore(world.provider, vm, what, was, patience())).toEqual([
      expect.stringContaining('connected'),
      `renamed to '${vm.name}'`,
      "took the tag 'moved' away",
    ]);
    expect(await restore(world.provider, vm, what, was, patience())).toEqual([]);
    expect((await world.vsphere.vm(vm.id)).name).toBe(vm.name);
    expect((await nicsAsRead(vm)).map(({ startConnected }) => startConnected)).toEqual([true, true]);
    expect((await nicsAsRead(vm)).map(({ mac, network }) => [mac, network])).toEqual(
      before.map(({ mac, network }) => [mac, network]),
    );
    expect(await powerState(world.provider, vm)).toBe('off');
  });
});
