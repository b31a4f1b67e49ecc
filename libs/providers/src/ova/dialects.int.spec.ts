import { mkdir, readFile, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SourceVm } from '@ledgerlift/contracts';
import {
  type TemporaryFolder,
  amendments,
  asOvirt,
  buildOva,
  withBlankDisk,
  withConfigurations,
  withItemAttributes,
  withItems,
} from '@ledgerlift/testing';
import { packagesAt } from './packages-at.js';
import { ovaProvider } from './provider.js';
import { type Packages, inventoryOf, onlyVm as onlyVmOf, specOf, startPackages } from './spec/packages.js';

const MiB = 1024 * 1024;
let folder: TemporaryFolder;
let raw: string;
let ova: Packages['ova'];

beforeAll(async () => {
  ({ folder, raw, ova } = await startPackages('dialects', [{ network: 'LAN', mac: '00:50:56:01:02:03' }]));
});
afterAll(() => folder.remove());

async function onlyVm(path: string): Promise<SourceVm> {
  const vm = await onlyVmOf(path);
  expect(await ovaProvider.verifyDigests(specOf(path), vm)).toEqual([]);
  return vm;
}

describe('a package with deployment configurations', () => {
  const sized = amendments(
    withConfigurations({ id: 'small' }, { id: 'medium', label: 'Medium', isDefault: true }),
    withItemAttributes(3, 'ovf:configuration="small"'),
    withItemAttributes(17, undefined, 'ovf:configuration="small"'),
    withItems({
      attributes: 'ovf:configuration="medium"',
      fields: { InstanceID: 1, ResourceType: 3, VirtualQuantity: 4 },
    }),
  );

  it('is read in its default one, with the others beside it', async () => {
    const vms = [{ name: 'web', disks: [{ raw }, { raw }] }];
    const vm = await onlyVm(await ova({ vms, amend: sized }));
    expect(vm).toMatchObject({ cpu: { count: 4 }, disks: [{ unit: 0 }] });
    expect(vm.disks).toHaveLength(1);
    expect(vm.deployment).toMatchObject({
      configuration: 'medium',
      available: [{ id: 'small' }, { id: 'medium', label: 'Medium' }],
      others: [{ configuration: 'small', cpu: { count: 1 }, disks: [{ unit: 0 }, { unit: 1 }] }],
    });
  });

  it('is read in the others where one of them cannot be', async () => {
    const broken = withItems({
      attributes: 'ovf:configuration="small"',
      fields: { HostResource: 'ovf:/disk/gone', InstanceID: 70, ResourceType: 17 },
    });
    const path = await ova({
      amend: amendments(withConfigurations({ id: 'medium' }, { id: 'small' }), broken),
    });
    const vm = await onlyVm(path);
    expect(vm.deployment).toMatchObject({ configuration: 'medium', others: [] });
    expect(vm.concerns).toMatchObject([{ id: 'ova.configuration.unreadable', category: 'Warning' }]);
  });
});

describe('what an exporter writes in its own way', () => {
  it("is read of oVirt: topology, firmware, NIC, bus, and no delta for parentRef=''", async () => {
    const cpus = [
      { name: 'web', cpus: 8, disks: [{ raw }], nics: [{ network: 'LAN', mac: '56:6f:00:00:00:2a' }] },
    ];
    expect(await onlyVm(await ova({ vms: cpus, amend: asOvirt }))).toMatchObject({
      exportedBy: 'oVirt',
      cpu: { count: 8, coresPerSocket: 4 },
      firmware: 'efi',
      secureBoot: true,
      disks: [{ bus: 'scsi' }],
      nics: [{ mac: '56:6f:00:00:00:2a', model: 'virtio' }],
    });
  });

  it('is read of VirtualBox: one socket with all cores, and the MACs of its own adapters', async () => {
    const amend = (ovf: string): string =>
      ovf.replace(
        '</Hardware>',
        '<Network><Adapter slot="1" enabled="true" MACAddress="080027A1B2C4" type="virtio"/>' +
          '<Adapter slot="0" enabled="true" MACAddress="080027A1B2C3" type="82540EM"/>' +
          '<Adapter slot="2" enabled="false" MACAddress="080027A1B2C5"/></Network></Hardware>',
      );
    const vms = [
      { name: 'web', cpus: 4, disks: [{ raw }], nics: [{ network: 'NAT' }, { network: 'Intern' }] },
    ];
    expect(await onlyVm(await ova({ style: 'virtualbox', vms, amend }))).toMatchObject({
      cpu: { count: 4, coresPerSocket: 4 },
      nics: [{ mac: '08:00:27:a1:b2:c3' }, { mac: '08:00:27:a1:b2:c4' }],
    });
  });

  it('is read of XenCenter: disks as storage extents, firmware in a map of settings', async () => {
    const amend = (ovf: string): string =>
      ovf
        .replaceAll('ResourceType>17<', 'ResourceType>19<')
        .replace(
          '</VirtualHardwareSection>',
          '<xenovf:VirtualSystemOtherConfigurationData Name="HVM_boot_params"><Value>order=dc;firmware=uefi;</Value>' +
            '</xenovf:VirtualSystemOtherConfigurationData></VirtualHardwareSection>',
        );
    expect(await onlyVm(await ova({ amend }))).toMatchObject({
      firmware: 'efi',
      disks: [{ capacityBytes: 2 * MiB }],
    });
  });

  it.each(['latin1', 'utf16le'] as const)('is read in %s', async (encoding) => {
    const label = encoding === 'latin1' ? 'ISO-8859-1' : 'UTF-16';
    const amend = (ovf: string): Buffer =>
      Buffer.from(
        ovf.replace('encoding="UTF-8"', `encoding="${label}"`).replace('>web<', '>Büro<'),
        encoding,
      );
    expect((await onlyVm(await ova({ amend }))).name).toBe('Büro');
  });

  it.each(['bytes * 2^20', 'byte * 2 ^ 20', 'MiB'])('is read with sizes in %s', async (written) => {
    expect((await onlyVm(await ova({ capacityUnits: { written, bytes: MiB } }))).disks).toMatchObject([
      { capacityBytes: 2 * MiB },
    ]);
  });
});

describe('a disk', () => {
  it('has the capacity of its image where the OVF says the size of the file', async () => {
    const amend = (ovf: string): string => ovf.replace(/ovf:capacity="\d+"/, 'ovf:capacity="4096"');
    const vm = await onlyVm(await ova({ amend }));
    expect(vm.disks).toMatchObject([{ capacityBytes: 2 * MiB }]);
    expect(vm.concerns).toMatchObject([{ id: 'ova.disk.capacity.differs', category: 'Warning' }]);
  });

  it('without a file is an empty one, which is read as zeros', async () => {
    const path = await ova({ amend: withBlankDisk('blank', 3 * MiB) });
    const vm = await onlyVm(path);
    expect(vm.concerns).toMatchObject([{ id: 'ova.disk.blank', category: 'Information' }]);
    const blank = vm.disks[1];
    if (blank === undefined) throw new Error('there is no second disk');
    expect(blank).toMatchObject({ id: 'blank', capacityBytes: 3 * MiB });
    const access = await ovaProvider.diskAccess(specOf(path), vm, blank);
    if (access.kind !== 'unpack') throw new Error(`it is read as ${access.kind}`);
    const made = folder.file('blank');
    await access.unpackTo(made, new AbortController().signal);
    expect(access.driver).toBe('raw');
    expect(Buffer.compare(await readFile(made), Buffer.alloc(3 * MiB))).toBe(0);
    expect((await stat(made)).blocks).toBe(0);
  });

  it('that no VM has is told', async () => {
    const amend = (ovf: string): string =>
      ovf.replace('<Disk ', '<Disk ovf:diskId="lost" ovf:capacity="1024" ovf:fileRef="file1"/>$&');
    const { vms, problems } = await inventoryOf(await ova({ amend }));
    expect(vms).toHaveLength(1);
    expect(problems).toMatchObject([{ code: 'LL-OVA-021', category: 'Warn' }]);
  });

  it('of no declared format is what its image shows', async () => {
    const amend = (ovf: string): string =>
      ovf.replace(/ovf:format="[^"]*"/, 'ovf:format="http://example.test/x"');
    expect((await onlyVm(await ova({ amend }))).disks).toMatchObject([{ backing: { format: 'vmdk' } }]);
  });
});

describe('a file of a package', () => {
  it.each([
    ['an escaped name', (file: string) => file.replace('web-disk1', 'my disk'), 'my%20disk.vmdk'],
    ['a name that only looks escaped', (file: string) => file.replace('web-disk1', 'a%20b'), 'a%20b.vmdk'],
    ['one numbered chunk without chunkSize', (file: string) => `${file}.000000000`, 'web-disk1.vmdk'],
  ])('is found by %s', async (_what, rename, href) => {
    const amend = (ovf: string): string => ovf.replace('ovf:href="web-disk1.vmdk"', `ovf:href="${href}"`);
    for (const packing of ['ova', 'folder'] as const)
      expect((await onlyVm(await ova({ rename, amend, packing }))).disks).toHaveLength(1);
  });

  it('is not one that macOS put beside it', async () => {
    const beside = ['._web.ovf', '._web-disk1.vmdk'].map((name) => ({ name, bytes: Buffer.alloc(100, 7) }));
    expect((await onlyVm(await ova({ beside }))).name).toBe('web');
  });
});

describe('the folder of a provider', () => {
  it('may be an unpacked OVA that is called *.ova', async () => {
    const own = folder.file('unpacked');
    await mkdir(own);
    const vms = [{ name: 'web', disks: [{ raw }] }];
    await buildOva({ name: 'web.ova', folder: own, packing: 'folder', vms });
    for (const path of [own, join(own, 'web.ova')]) expect((await onlyVm(path)).name).toBe('web');
  });

  it('is not silent about a folder *.ova without a package', async () => {
    const path = await ova();
    await mkdir(join(path, 'empty.ova'));
    const { vms, problems } = await inventoryOf(path);
    expect(vms).toHaveLength(1);
    expect(problems).toMatchObject([{ item: join(path, 'empty.ova'), code: 'LL-OVA-003' }]);
  });

  it('has links to packages, of which each package is read once', async () => {
    const [store, path] = [await ova(), await ova()];
    await symlink(join(store, 'web.ova'), join(path, 'elsewhere.ova'));
    await symlink('web.ova', join(path, 'again.ova'));
    await symlink('nowhere.ova', join(path, 'broken.ova'));
    await symlink(store, join(path, 'folder.ova'));
    const { vms, problems } = await inventoryOf(path);
    expect(vms.map((vm) => vm.path.slice(path.length + 1)).sort()).toEqual([
      'elsewhere.ova#web',
      'web.ova#web',
    ]);
    expect(problems).toMatchObject([
      { item: join(path, 'again.ova'), code: 'LL-OVA-020', category: 'Warn' },
      { item: join(path, 'broken.ova'), code: 'LL-OVA-001' },
      { item: join(path, 'folder.ova'), code: 'LL-OVA-001' },
    ]);
  });

  it('is read but for the folder in it that cannot be', async () => {
    const path = await ova();
    await mkdir(join(path, 'closed'));
    const packages = await packagesAt(path, async (at) => {
      if (at.endsWith('closed'))
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
      return readdir(at, { withFileTypes: true });
    });
    expect(packages).toMatchObject({
      paths: [join(path, 'web.ova')],
      problems: [{ item: join(path, 'closed'), code: 'LL-OVA-001' }],
    });
  });
});
