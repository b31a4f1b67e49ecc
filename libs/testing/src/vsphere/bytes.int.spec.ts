import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { temporaryFolder } from '../temporary-folder.js';
import { type Vsphere, startVsphere } from './index.js';
import { readDisk } from './spec/nbdkit.js';
import { Soap, createSnapshot, first } from './spec/soap.js';

/** How long an export lives without a sign of progress. */
const LEASE_SECONDS = 2;
let vsphere: Vsphere;
let soap: Soap;
beforeAll(async () => {
  const privileges = ['System.View', 'VirtualMachine.State.CreateSnapshot'];
  vsphere = await startVsphere({
    vms: [{ name: 'on' }, { name: 'off', off: true }],
    users: { weak: { password: 'w', privileges } },
    leaseSeconds: LEASE_SECONDS,
  });
  soap = await Soap.login(vsphere);
});
afterAll(() => vsphere.stop());

const fault = (type: string) => expect.objectContaining({ type });
const bytesOf = async (vm: string) => readFile((await vsphere.vm(vm)).disks[0]?.hostFile ?? '');
const stderr = async (reading: Promise<unknown>) =>
  ((await reading.catch((error: unknown) => error)) as { readonly stderr?: Buffer }).stderr?.toString() ??
  'it was read';

describe("nbdkit's vddk plugin", () => {
  it('reads a snapshot of a running VM, and the disk of one that is off', async () => {
    const expected = await bytesOf('on');
    const snapshot = await createSnapshot(soap, (await vsphere.vm('on')).moref, 'one');
    expect((await readDisk(vsphere, 'on', { snapshot })).equals(expected)).toBe(true);
    expect((await readDisk(vsphere, 'off')).equals(await bytesOf('off'))).toBe(true);
    expect((await vsphere.journal()).filter(({ effect }) => effect === 'disk-opened')).toHaveLength(2);
  });

  it('is refused what VMware refuses', async () => {
    expect(await stderr(readDisk(vsphere, 'on'))).toContain('Failed to lock the file');
    expect(await stderr(readDisk(vsphere, 'off', { password: 'wrong' }))).toContain('incorrect user name');
    expect(await stderr(readDisk(vsphere, 'off', { user: 'weak', password: 'w' }))).toContain(
      'access rights',
    );
    expect(await stderr(readDisk(vsphere, 'off', { file: '[LocalDS_0] off/no.vmdk' }))).toContain(
      'not found',
    );
    const thumbprint = vsphere.thumbprint.replace(/^../, '00');
    expect(await stderr(readDisk(vsphere, 'off', { thumbprint }))).toContain('thumbprint');
  });

  it('takes the cookie of a session, while that lives', async () => {
    const session = { cookie: soap.cookie, password: 'any' };
    expect((await readDisk(vsphere, 'off', session)).equals(await bytesOf('off'))).toBe(true);
    await vsphere.expireSessions();
    expect(await stderr(readDisk(vsphere, 'off', session))).toContain('Cannot complete login');
    soap = await Soap.login(vsphere);
  });

  it('loses its connection on demand', async () => {
    await vsphere.fault({ method: 'VDDK', afterBytes: 3 * 1024 * 1024 });
    expect(await stderr(readDisk(vsphere, 'off'))).toContain('The host connection was lost');
    expect((await readDisk(vsphere, 'off')).length).toBe(16 * 1024 * 1024);
  });
});

describe('/folder', () => {
  const path = (vm: string) => `/folder/${vm}/disk1-flat.vmdk?dcPath=DC0&dsName=LocalDS_0`;

  it('answers ranges of a flat file, to who may', async () => {
    const bytes = await bytesOf('off');
    const part = await soap.send('GET', path('off'), { range: 'bytes=1000-70000' });
    expect(part.status).toBe(206);
    expect(part.body.equals(bytes.subarray(1000, 70_001))).toBe(true);
    const stranger = await Soap.open(vsphere);
    expect((await stranger.send('GET', path('off'))).status).toBe(401);
    const basic = (name: string) => ({ authorization: `Basic ${Buffer.from(name).toString('base64')}` });
    const { user, password } = vsphere.admin;
    expect((await stranger.send('HEAD', path('off'), basic(`${user}:${password}`))).status).toBe(200);
    expect((await stranger.send('GET', path('off'), basic('weak:w'))).status).toBe(403);
  });

  it('has neither the file that a VM writes to nor a delta as raw bytes', async () => {
    const { disks } = await vsphere.vm('on');
    const delta = disks[0]?.file.replace('[LocalDS_0] ', '').replace('.vmdk', '-sesparse.vmdk') ?? '';
    const busy = await soap.send('GET', `/folder/${delta}?dcPath=DC0&dsName=LocalDS_0`);
    expect([busy.status, busy.body.toString()]).toEqual([500, 'Failed to lock the file\n']);
    await vsphere.powerOff('on');
    const still = await soap.send('GET', `/folder/${delta}?dcPath=DC0&dsName=LocalDS_0`);
    expect([still.status, still.body.length]).toEqual([200, 4096]);
    await vsphere.powerOn('on');
  });

  it('is cut on demand', async () => {
    await vsphere.fault({ method: 'GET /folder', as: 'cut', afterBytes: 500_000 });
    await expect(soap.send('GET', path('off'))).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  });
});

describe('an NFC lease', () => {
  const exportVm = async (vm: string): Promise<string> => {
    const { moref } = await vsphere.vm(vm);
    return first(await soap.call('ExportVm', `VirtualMachine:${moref}`), 'returnval') ?? '';
  };
  const download = async (lease: string) => {
    const info = await soap.get(`HttpNfcLease:${lease}`, 'info');
    return soap.send('GET', new URL(first(info, 'url') ?? '').pathname);
  };

  it('gives the disk as a stream-optimized VMDK', async () => {
    const lease = await exportVm('off');
    expect(first(await soap.get(`HttpNfcLease:${lease}`, 'state'), 'val')).toBe('ready');
    const { body } = await download(lease);
    await using folder = temporaryFolder('nfc');
    await writeFile(folder.file('disk.vmdk'), body);
    const convert = ['convert', '-f', 'vmdk', '-O', 'raw', folder.file('disk.vmdk'), folder.file('disk.raw')];
    await promisify(execFile)('qemu-img', convert);
    expect((await readFile(folder.file('disk.raw'))).equals(await bytesOf('off'))).toBe(true);
    await soap.call('HttpNfcLeaseComplete', `HttpNfcLease:${lease}`);
    expect((await vsphere.journal()).at(-1)?.effect).toBe('lease-completed');
  });

  it('locks the VM until it is aborted, and then has no bytes', async () => {
    const lease = await exportVm('off');
    const { moref } = await vsphere.vm('off');
    await expect(exportVm('off')).rejects.toEqual(fault('TaskInProgress'));
    await expect(soap.call('PowerOnVM_Task', `VirtualMachine:${moref}`)).rejects.toEqual(
      fault('TaskInProgress'),
    );
    const { pathname } = new URL(first(await soap.get(`HttpNfcLease:${lease}`, 'info'), 'url') ?? '');
    await soap.call('HttpNfcLeaseAbort', `HttpNfcLease:${lease}`);
    expect((await soap.send('GET', pathname)).status).toBe(404);
    await expect(exportVm('on')).rejects.toEqual(fault('InvalidPowerState'));
  });

  it('ends without a sign of progress', async () => {
    let lease = await exportVm('off');
    for (let told = 0, at = performance.now(); told < 4; told += 1) {
      const before = at;
      await new Promise((resolve) => setTimeout(resolve, 800));
      at = performance.now();
      try {
        await soap.call('HttpNfcLeaseProgress', `HttpNfcLease:${lease}`, `<percent>${told}</percent>`);
      } catch (error) {
        // On a busy machine the sign may come too late, and the lease has ended by right: another one is told of.
        if (performance.now() - before < LEASE_SECONDS * 1000) throw error;
        lease = await exportVm('off');
        at = performance.now();
        told = -1;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LEASE_SECONDS * 1100));
    await expect(
      soap.call('HttpNfcLeaseProgress', `HttpNfcLease:${lease}`, '<percent>9</percent>'),
    ).rejects.toEqual(fault('Timedout'));
    expect(first(await soap.get(`HttpNfcLease:${lease}`, 'state'), 'val')).toBe('error');
    await soap.call('HttpNfcLeaseAbort', `HttpNfcLease:${await exportVm('off')}`);
  });
});
