import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { type Vsphere, startVsphere } from './index.js';
import { Soap } from './spec/soap.js';

const REVERTED = 'com.vmware.vc.vm.VmStateRevertedToSnapshot';
const MEBIBYTE = 1024 * 1024;
const vms = [{ name: 'web', disks: [{ capacityBytes: MEBIBYTE, fill: 1 }] }];

const bytesOf = async (vsphere: Vsphere): Promise<Buffer> =>
  readFile((await vsphere.vm('web')).disks[0]?.hostFile ?? '');
const eventsOf = async (vsphere: Vsphere, soap: Soap, ...ids: readonly string[]): Promise<string> => {
  const { moref } = await vsphere.vm('web');
  const manager = vsphere.kind === 'esxi' ? 'ha-eventmgr' : 'EventManager';
  return soap.call(
    'QueryEvents',
    `EventManager:${manager}`,
    `<filter><entity><entity type="VirtualMachine">${moref}</entity><recursion>self</recursion></entity>` +
      `${ids.map((id) => `<eventTypeId>${id}</eventTypeId>`).join('')}</filter>`,
  );
};

describe('a vCenter', () => {
  let vsphere: Vsphere;
  let soap: Soap;
  beforeAll(async () => {
    vsphere = await startVsphere({ vms });
    soap = await Soap.login(vsphere);
  });
  afterAll(() => vsphere.stop());

  it('gives a reverted VM the bytes of its snapshot, and posts an event that is no class', async () => {
    await vsphere.powerOff('web');
    await vsphere.snapshotOf('web', 's');
    const before = await bytesOf(vsphere);
    const { disks } = await vsphere.vm('web');
    await writeFile(disks[0]?.hostFile ?? '', Buffer.alloc(1000, 7), { flag: 'r+' });
    expect((await bytesOf(vsphere)).equals(before)).toBe(false);
    expect(await eventsOf(vsphere, soap, REVERTED)).not.toContain(REVERTED);
    await vsphere.revert('web', 's');
    expect((await bytesOf(vsphere)).equals(before)).toBe(true);
    expect(await eventsOf(vsphere, soap, REVERTED)).toContain(`<eventTypeId>${REVERTED}</eventTypeId>`);
    await expect(vsphere.revert('web', 'none')).rejects.toThrow('there is no snapshot none');
  });

  it('refuses an event id that no event has', async () => {
    expect(await eventsOf(vsphere, soap, 'VmPoweredOnEvent')).toContain('VmPoweredOnEvent');
    await expect(eventsOf(vsphere, soap, 'vim.event.VmPoweredOnEvent')).resolves.not.toThrow();
    for (const id of ['VmRevertedToSnapshotEvent', 'VirtualMachine', 'com.vmware.vc.none'])
      await expect(eventsOf(vsphere, soap, id)).rejects.toMatchObject({ type: 'InvalidArgument' });
  });

  it('keeps the events of a VM that is off, until they are forgotten', async () => {
    expect(await eventsOf(vsphere, soap)).toContain('VmPoweredOnEvent');
    await vsphere.forgetEvents();
    expect(await eventsOf(vsphere, soap)).not.toContain('VmPoweredOnEvent');
  });
});

it('a host without a vCenter forgets the events of a VM when that is powered off', async () => {
  await using host = await startVsphere({ vms, esxi: true });
  const soap = await Soap.login(host);
  expect(await eventsOf(host, soap)).toContain('VmPoweredOnEvent');
  await host.powerOff('web');
  expect(await eventsOf(host, soap)).not.toContain('VmPoweredOnEvent');
});
