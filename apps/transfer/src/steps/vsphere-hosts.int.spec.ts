import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec } from '@ledgerlift/contracts';
import { closeSources } from '@ledgerlift/providers';
import { type Vsphere, type VsphereOptions, startVsphere } from '@ledgerlift/testing';
import type { Run } from '../spec/run.js';
import { VsphereWorld, arrived, withVddk } from '../spec/vsphere.js';

const MiB = 2 ** 20;
const disks = [{ capacityBytes: 8 * MiB, fill: 1 }];
const uuid = '420b9c2c-5f6d-4b8c-9a51-0f1ee2a30001';
const instanceUuid = '500b9c2c-5f6d-4b8c-9a51-0f1ee2a30002';
const other = '500b9c2c-5f6d-4b8c-9a51-0f1ee2a30003';

let world: VsphereWorld;
beforeAll(async () => {
  world = await VsphereWorld.start({ vms: [{ name: 'off', off: true, disks, uuid, instanceUuid }] });
});
afterAll(() => world.end());

/** The host of the VM, with other VMs whose disks hold other data. */
const hostWith = (vms: NonNullable<VsphereOptions['vms']>): Promise<Vsphere> =>
  startVsphere({ vms, esxi: true, seed: 9 });
async function providerOf(host: Vsphere, user = host.admin): Promise<ProviderSpec> {
  const { host: name } = await world.vsphere.vm('off');
  const secret = world.secretOf(user);
  const entry = { host: name, address: `127.0.0.1:${host.port}`, thumbprint: host.thumbprint256, secret };
  return world.provider({ thumbprint: world.vsphere.thumbprint, hosts: [entry] });
}
async function copied(
  host: Vsphere,
  provider: ProviderSpec,
): Promise<{ readonly run: Run; readonly why: string }> {
  const reads = `${world.vsphere.dataFolder}:${host.dataFolder}`;
  const run = await world.run('off', { ...withVddk(), LEDGERLIFT_VDDK_READS: reads }, { provider });
  await run.ask('SourcePowerOff');
  const result = await run.ask('DiskTransfer');
  return { run, why: result.disks[0]?.way?.why ?? '' };
}
const bytesAt = async (host: Vsphere, vm: string): Promise<Buffer> =>
  readFile((await host.vm(vm)).disks[0]?.hostFile ?? '');

describe('an ESXi host that the provider names', () => {
  it('is read directly, under its own ids', async () => {
    await using host = await hostWith([
      { name: 'other' },
      { name: 'off', off: true, disks, uuid, instanceUuid },
    ]);
    const { run, why } = await copied(host, await providerOf(host));
    expect(why).toContain(`from 127.0.0.1:${host.port}`);
    const bytes = await bytesAt(host, 'off');
    expect(bytes.equals(await world.bytesOf('off'))).toBe(false);
    expect((await arrived(run)).equals(bytes)).toBe(true);
    const wrong = await providerOf(host, { ...host.admin, password: 'wrong' });
    await expect(copied(host, wrong)).rejects.toMatchObject({ code: 'LL-VSP-005' });
    await closeSources();
  });

  it('is not confused by a copy of the VM with the same firmware UUID', async () => {
    await using host = await hostWith([
      { name: 'copy', off: true, disks, uuid, instanceUuid: other },
      { name: 'off', off: true, disks, uuid: other, instanceUuid },
    ]);
    const { run, why } = await copied(host, await providerOf(host));
    expect(why).toContain(`from 127.0.0.1:${host.port}`);
    expect((await arrived(run)).equals(await bytesAt(host, 'off'))).toBe(true);
    await closeSources();
  });

  it.each([
    ['has only a copy of the VM', [other], /does not have the VM/],
    [
      'has two that are called alike',
      [instanceUuid, instanceUuid],
      /has 2 VMs with its instance UUID 500b9c2c/,
    ],
  ])('is not used if it %s: the vCenter is read instead, with a reason', async (_, ids, why) => {
    const vms = ids.map((id, index) => ({ name: `vm${index}`, off: true, disks, uuid, instanceUuid: id }));
    await using host = await hostWith(vms);
    const { run, why: said } = await copied(host, await providerOf(host));
    expect(said).toContain(`from 127.0.0.1:${world.vsphere.port}, for 127.0.0.1:${host.port}`);
    expect(said).toMatch(why);
    expect((await arrived(run)).equals(await world.bytesOf('off'))).toBe(true);
    await closeSources();
  });
});
