import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NbdClient, serveSource } from '@ledgerlift/disk-transfer';
import { Inventory } from '@ledgerlift/contracts';
import {
  type TemporaryFolder,
  buildOva,
  makeSmallDisk,
  mutatedOvas,
  writeHostileOvas,
} from '@ledgerlift/testing';
import { BadOva } from './errors.js';
import { ovaProvider } from './provider.js';
import { type Packages, inventoryOf, onlyVm, specOf, startPackages } from './spec/packages.js';

const run = promisify(execFile);
const MiB = 1024 * 1024;
let folder: TemporaryFolder;
let raw: string;
let ova: Packages['ova'];

beforeAll(async () => {
  ({ folder, raw, ova } = await startPackages('ova', [{ network: 'VM Network', model: 'VmxNet3' }]));
});
afterAll(() => folder.remove());

describe('the OVA provider', () => {
  it('reads a VM of VMware style', async () => {
    const vm = await onlyVm(
      await ova({
        vms: [
          {
            name: 'web',
            cpus: 2,
            memoryMiB: 512,
            disks: [{ raw }],
            controller: 'VirtualSCSI',
            nics: [{ network: 'LAN', model: 'VmxNet3', mac: '00:50:56:01:02:03' }],
          },
        ],
      }),
    );
    expect(vm).toMatchObject({
      name: 'web',
      powerState: 'off',
      cpu: { count: 2 },
      memory: { bytes: 512 * MiB },
      firmware: 'bios',
      exportedBy: 'VMware',
      disks: [{ capacityBytes: 2 * MiB, bus: 'scsi', storage: 'ova' }],
      nics: [{ network: 'LAN', model: 'vmxnet3', mac: '00:50:56:01:02:03' }],
    });
  });

  it('reads a VM of VirtualBox style, with its SHA-1 manifest and SATA', async () => {
    const path = await ova({ style: 'virtualbox' });
    const vm = await onlyVm(path);
    expect(vm).toMatchObject({ exportedBy: 'VirtualBox', disks: [{ bus: 'sata' }] });
    expect(vm.disks[0]?.backing).toMatchObject({ digest: { algorithm: 'sha1' } });
    expect(await ovaProvider.verifyDigests(specOf(path), vm)).toEqual([]);
  });

  it('keeps the disks in the order of controller and address', async () => {
    const second = folder.file('second.raw');
    await makeSmallDisk(second, { size: 3 * MiB, seed: 3 });
    const vm = await onlyVm(await ova({ vms: [{ name: 'web', disks: [{ raw }, { raw: second }] }] }));
    expect(vm.disks.map(({ capacityBytes }) => capacityBytes)).toEqual([2 * MiB, 3 * MiB]);
    expect(new Set(vm.disks.map(({ id }) => id)).size).toBe(2);
  });

  it('sees EFI firmware', async () => {
    expect(
      await onlyVm(await ova({ vms: [{ name: 'web', disks: [{ raw }], firmware: 'efi' }] })),
    ).toMatchObject({ firmware: 'efi' });
  });

  it.each(['SHA1', 'SHA256', 'SHA512'] as const)(
    'compares a %s manifest, and finds a changed disk',
    async (digest) => {
      const path = await ova({ digest, packing: 'folder' });
      const vm = await onlyVm(path);
      expect(await ovaProvider.verifyDigests(specOf(path), vm)).toEqual([]);
      const backing = vm.disks[0]?.backing;
      const disk = (backing?.kind === 'ova' ? backing.parts[0]?.file : undefined) ?? '';
      const content = await readFile(disk);
      content.writeUInt8(content.readUInt8(content.length - 1) ^ 1, content.length - 1);
      await writeFile(disk, content);
      expect(await ovaProvider.verifyDigests(specOf(path), vm)).toMatchObject([{ code: 'LL-OVA-009' }]);
    },
  );

  it.each([
    ['byte', 1],
    ['byte * 2^20', MiB],
    ['MegaBytes', MiB],
    ['kibibyte', 1024],
    ['KB', 1024],
  ])('reads capacities in %s', async (written, bytes) => {
    const vm = await onlyVm(await ova({ capacityUnits: { written, bytes } }));
    expect(vm.disks[0]?.capacityBytes).toBe(2 * MiB);
  });

  it('reads a disk in chunks, or compressed by gzip, through a temporary file', async () => {
    for (const disk of [
      { raw, chunkSize: 64 * 1024 },
      { raw, compression: 'gzip' as const },
    ]) {
      const path = await ova({ vms: [{ name: 'web', disks: [disk] }] });
      const vm = await onlyVm(path);
      const [only] = vm.disks;
      if (only === undefined) throw new Error('there is no disk');
      const access = await ovaProvider.diskAccess(specOf(path), vm, only);
      if (access.kind !== 'unpack') throw new Error(`it is read as ${access.kind}`);
      const unpacked = folder.file('unpacked');
      await access.unpackTo(unpacked, new AbortController().signal);
      expect((await readFile(unpacked)).toString('latin1', 0, 4)).toBe('KDMV');
    }
  });

  it.each([
    ['vmdk', 'vmdk', []],
    ['qcow2', 'qcow2', []],
    ['raw', 'raw', []],
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhd', 'vpc', ['-o', 'force_size=on,subformat=fixed']],
  ] as const)(
    'reads a disk that is %s, all of it as it was packed (%s, %j)',
    async (format, driver, options) => {
      const path = await ova({ packing: 'folder', digest: 'none' });
      const disk = join(path, 'web', 'web-disk1.vmdk');
      await run('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...options, raw, disk]);
      const ovf = join(path, 'web', 'web.ovf');
      const declared = `ovf:format="http://example.test/${format}.html"`;
      await writeFile(ovf, (await readFile(ovf, 'utf8')).replace(/ovf:format="[^"]*"/, declared));
      const vm = await onlyVm(path);
      const [only] = vm.disks;
      if (only === undefined) throw new Error('there is no disk');
      const access = await ovaProvider.diskAccess(specOf(path), vm, only);
      if (access.kind !== 'image') throw new Error(`it is read as ${access.kind}`);
      expect(access.driver).toBe(driver);
      const server = await serveSource(access);
      const client = await NbdClient.connect({ socket: server.socket });
      const bytes = Buffer.alloc(client.size);
      await client.read(0, bytes);
      client.close();
      await server.stop();
      expect(bytes.equals(await readFile(raw))).toBe(true);
    },
  );

  it('reads several VMs of one OVA, and several OVAs of a folder', async () => {
    const vms = ['a', 'b'].map((name) => ({ name, disks: [{ raw }] }));
    const pair = await ova({ vms });
    await buildOva({ name: 'third', folder: pair, vms: [{ name: 'c', disks: [{ raw }] }] });
    const { vms: found } = await inventoryOf(pair);
    expect(found.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
  });

  it('knows a VM again, and sees when its file has changed', async () => {
    const path = await ova();
    const vm = await onlyVm(path);
    expect(await ovaProvider.currentVm(specOf(path), vm.id)).toEqual(vm);
    await copyFile(join(path, 'web.ova'), join(path, 'copy'));
    await writeFile(join(path, 'web.ova'), await readFile(join(path, 'copy')));
    const after = await ovaProvider.currentVm(specOf(path), vm.id);
    expect(after?.id).toBe(vm.id);
    expect(after?.fingerprint).not.toBe(vm.fingerprint);
  });

  it('says that a path cannot be read', async () => {
    expect(await ovaProvider.check(specOf('/nowhere/at/all'))).toMatchObject([
      { code: 'LL-OVA-001', field: 'settings.path' },
    ]);
    await expect(inventoryOf('/nowhere/at/all')).rejects.toMatchObject({ code: 'LL-OVA-001' });
  });
});

/** Where nothing can be read at all, that is the one problem. Anything but our own error fails. */
function unreadable(error: unknown): Inventory {
  if (!(error instanceof BadOva)) throw error;
  const problem = { item: '', code: error.code, message: error.message };
  return { takenAt: new Date().toISOString(), vms: [], networks: [], storages: [], problems: [problem] };
}

describe('a disk that unpacks to more than its capacity needs', () => {
  it('is given up at the bound, and nothing beyond it is written', async () => {
    const packed = folder.file('bomb.gz');
    await writeFile(packed, gzipSync(Buffer.alloc(200 * MiB), { level: 9 }));
    const path = folder.file('bomb');
    const { size } = await stat(packed);
    const backing = {
      kind: 'ova' as const,
      format: 'raw' as const,
      parts: [{ file: packed, offset: 0, length: size }],
      compression: 'gzip' as const,
    };
    const vm = await onlyVm(await ova());
    const [disk] = vm.disks;
    if (disk === undefined) throw new Error('there is no disk');
    const access = await ovaProvider.diskAccess(specOf(path), vm, { ...disk, capacityBytes: MiB, backing });
    if (access.kind !== 'unpack') throw new Error(`it is read as ${access.kind}`);
    const unpacking = access.unpackTo(path, new AbortController().signal);
    await expect(unpacking).rejects.toMatchObject({ code: 'LL-OVA-019' });
    expect((await stat(path)).size).toBeLessThan(20 * MiB);
  });
});

describe('hostile OVAs', () => {
  it('are each refused with a code, or harmless, and never hide their neighbours', async () => {
    const all = folder.file('hostile');
    await mkdir(all);
    const unseen: string[] = [];
    for (const { name, path, why, outcome, code } of await writeHostileOvas(all)) {
      const inventory = Inventory.parse(await inventoryOf(path).catch(unreadable));
      const digests = await Promise.all(
        inventory.vms.map((vm) => ovaProvider.verifyDigests(specOf(path), vm)),
      );
      const problems = [...inventory.problems, ...digests.flat()];
      expect(problems.filter(({ code }) => !/^LL-OVA-\d{3}$/.test(code))).toEqual([]);
      const concerns = inventory.vms.flatMap((vm) =>
        vm.concerns.filter(({ category }) => category === 'Critical'),
      );
      if (outcome === 'refused' && problems.length + concerns.length === 0) unseen.push(`${name}: ${why}`);
      if (code !== undefined && problems.map((problem) => problem.code).join() !== code)
        unseen.push(`${name}: ${why}; wanted ${code}, got ${problems.map((problem) => problem.code).join()}`);
    }
    expect(unseen).toEqual([]);
    await copyFile(join(await ova(), 'web.ova'), join(all, 'good.ova'));
    expect(
      (await inventoryOf(all)).vms.some(({ name, path }) => name === 'web' && path.includes('good.ova')),
    ).toBe(true);
  });

  it.each([
    ['a backing file', ['-b', '/etc/hostname', '-F', 'raw'], 'LL-OVA-013'],
    ['a backing server', ['-u', '-b', 'nbd://127.0.0.1:9', '-F', 'raw'], 'LL-OVA-013'],
    ['an external data file', ['-o', 'data_file=HERE.data'], 'LL-OVA-014'],
  ])('one with %s, as qemu-img makes it, does not hide its neighbour', async (_what, options, code) => {
    const qcow2 = folder.file(`lie-${code}-${options.length}`);
    const args = options.map((option) => option.replace('HERE', qcow2));
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, qcow2, '1M']);
    const path = await ova({
      packing: 'folder',
      digest: 'none',
      vms: ['good', 'bad'].map((name) => ({ name, disks: [{ raw }] })),
    });
    await copyFile(qcow2, join(path, 'web', 'web-disk2.vmdk'));
    const ovf = join(path, 'web', 'web.ovf');
    await writeFile(ovf, (await readFile(ovf, 'utf8')).replace(/(vmdisk2".*?ovf:format=")[^"]*/, '$1qcow2'));
    const { vms, problems } = await inventoryOf(path);
    expect(vms.map(({ name }) => name)).toEqual(['good']);
    expect(problems).toMatchObject([{ item: expect.stringContaining('#bad'), code }]);
  });

  it('a linked clone does not hide the VM beside it', async () => {
    const path = await ova({
      packing: 'folder',
      digest: 'none',
      vms: ['good', 'linked'].map((name) => ({ name, disks: [{ raw }] })),
    });
    const ovf = join(path, 'web', 'web.ovf');
    const text = await readFile(ovf, 'utf8');
    await writeFile(ovf, text.replace('ovf:diskId="vmdisk2"', '$& ovf:parentRef="vmdisk1"'));
    const { vms, problems } = await inventoryOf(path);
    expect(vms.map(({ name }) => name)).toEqual(['good']);
    expect(problems).toMatchObject([{ item: expect.stringContaining('#linked'), code: 'LL-OVA-012' }]);
  });

  it('500 mutated ones crash nothing: each is an inventory, or a problem with a code', async () => {
    const place = folder.file('mutated');
    await mkdir(place);
    let seen = 0;
    for await (const { name, path } of mutatedOvas(place, { count: 500, seed: 11 })) {
      const inventory = Inventory.safeParse(await inventoryOf(path));
      if (!inventory.success) throw new Error(`${name}: ${inventory.error.message}`);
      const uncoded = inventory.data.problems.filter(({ code }) => !/^LL-OVA-\d{3}$/.test(code));
      if (uncoded.length > 0) throw new Error(`${name}: ${JSON.stringify(uncoded)}`);
      seen += 1;
    }
    expect(seen).toBe(500);
  });
});
