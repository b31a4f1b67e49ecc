import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Run } from '../spec/run.js';
import { VsphereWorld, arrived } from '../spec/vsphere.js';

const MiB = 2 ** 20;

let world: VsphereWorld;
beforeAll(async () => {
  world = await VsphereWorld.start({
    vms: [
      { name: 'chained', off: true, disks: [{ capacityBytes: 12 * MiB, fill: 1 }, { capacityBytes: MiB }] },
    ],
    leaseSeconds: 2,
  });
  // Its files are no longer flat, so an export is the only way without VDDK.
  await world.vsphere.snapshotOf('chained', 'backup');
});
afterAll(() => world.end());
beforeEach(() => world.vsphere.clearFaults());

const off = async (): Promise<Run> => {
  const run = await world.run('chained', {});
  await run.ask('SourcePowerOff');
  return run;
};
const leases = async (): Promise<readonly string[]> =>
  (await world.vsphere.journal()).flatMap(({ effect }) => (effect.startsWith('lease-') ? [effect] : []));
const lastLease = async (): Promise<string | undefined> => (await leases()).at(-1);
async function expectWhole(run: Run): Promise<void> {
  const { disks } = await run.ask('DiskTransfer');
  expect(disks.map(({ way }) => way?.kind)).toEqual(['nfc', 'nfc']);
  for (const index of [0, 1])
    expect((await arrived(run, index)).equals(await world.bytesOf('chained', index))).toBe(true);
  expect(await lastLease()).toBe('lease-completed');
}

describe('an export', () => {
  it('is kept alive for as long as it takes', async () => {
    await world.vsphere.fault({ method: 'GET /nfc', as: 'delay', ms: 5000 });
    await expectWhole(await off());
    expect(await leases()).not.toContain('lease-timed-out');
  });

  it('is aborted when the copy is cancelled, and the VM can be powered on', async () => {
    await world.vsphere.fault({ method: 'GET /nfc', as: 'delay', ms: 8000, times: 2 });
    const run = await off();
    const stop = new AbortController();
    const copying = run.ask('DiskTransfer', { signal: stop.signal });
    const ended = expect(copying).rejects.toThrow('enough');
    while ((await lastLease()) !== 'lease-opened') await delay(20);
    stop.abort(new Error('enough'));
    await ended;
    expect(await lastLease()).toBe('lease-aborted');
    await world.vsphere.powerOn('chained');
    await world.vsphere.powerOff('chained');
  });

  it('that ends early is a transient failure, and the disk is exported again', async () => {
    await world.vsphere.fault({ method: 'GET /nfc', as: 'delay', ms: 6000, times: 2 });
    await world.vsphere.fault({ method: 'HttpNfcLeaseProgress', fault: 'Timedout' });
    const run = await off();
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({ code: 'LL-VSP-047', failure: 'transient' });
    await world.vsphere.clearFaults();
    await expectWhole(run);
  });

  it('that breaks off is a transient failure, and reports no address', async () => {
    await world.vsphere.fault({ method: 'GET /nfc', as: 'cut', afterBytes: 300_000 });
    const run = await off();
    const error = await run.ask('DiskTransfer').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'LL-VSP-001', failure: 'transient' });
    expect(String(error)).not.toContain('/nfc/');
    await expectWhole(run);
  });

  it('retries while another export of the VM runs', async () => {
    const run = await off();
    await world.vsphere.fault({ method: 'ExportVm', fault: 'TaskInProgress' });
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({ code: 'LL-VSP-002', failure: 'transient' });
    await expectWhole(run);
  });
});
