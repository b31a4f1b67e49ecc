import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { guest, guestImage } from '../guest/index.js';
import { type Vsphere, startVsphere } from './index.js';
import { readDisk } from './spec/nbdkit.js';
import { Soap, changeIdOf, changedAreas, createSnapshot } from './spec/soap.js';

let vsphere: Vsphere;
let soap: Soap;
beforeAll(async () => {
  const { user, password } = guest;
  vsphere = await startVsphere({
    vms: [
      {
        name: 'real',
        disks: [{ file: await guestImage() }],
        changeTracking: true,
        guest: { memoryMb: 512, user, password },
      },
    ],
  });
  soap = await Soap.login(vsphere);
}, 300_000);
afterAll(() => vsphere.stop());

const vm = () => vsphere.vm('real');

describe('a VM with a real guest', () => {
  it('is copied while it runs, by changes, up to what it held when it shut itself down', async () => {
    const { moref, disks } = await vm();
    expect(await vsphere.tellGuest('real', 'hostname')).toBe(guest.hostname);
    const busy =
      'while :; do busybox dd if=/dev/urandom of=/root/busy bs=64k count=8 2>/dev/null; sync; done';
    await vsphere.tellGuest('real', `(${busy}) &`);
    const one = await createSnapshot(soap, moref, 'one');
    const copy = await readDisk(vsphere, 'real', { snapshot: one });
    await vsphere.tellGuest('real', 'echo kept > /root/kept; sync');

    const bring = async (snapshot: string, since: string): Promise<number> => {
      const areas = await changedAreas(
        soap,
        moref,
        snapshot,
        disks[0] ?? { key: 0, capacityBytes: 0 },
        since,
      );
      const bytes = await readDisk(vsphere, 'real', { snapshot });
      for (const { offset, length } of areas) bytes.copy(copy, offset, offset, offset + length);
      expect(copy.equals(bytes)).toBe(true);
      return areas.reduce((sum, { length }) => sum + length, 0);
    };
    const two = await createSnapshot(soap, moref, 'two');
    const changed = await bring(two, await changeIdOf(soap, one));
    expect(changed).toBeGreaterThan(0);
    expect(changed).toBeLessThan(copy.length / 4);
    const since = await changeIdOf(soap, two);
    await soap.task('RemoveAllSnapshots_Task', `VirtualMachine:${moref}`);

    await soap.call('ShutdownGuest', `VirtualMachine:${moref}`);
    while ((await vm()).power !== 'poweredOff') await delay(100);
    const three = await createSnapshot(soap, moref, 'three');
    await bring(three, since);
    expect(copy.equals(await readFile((await vm()).disks[0]?.hostFile ?? ''))).toBe(true);
    expect(copy.includes('kept\n')).toBe(true);

    await soap.task('PowerOnVM_Task', `VirtualMachine:${moref}`);
    expect(await vsphere.tellGuest('real', 'cat /root/kept')).toBe('kept');
    await soap.task('PowerOffVM_Task', `VirtualMachine:${moref}`);
  }, 420_000);
});
