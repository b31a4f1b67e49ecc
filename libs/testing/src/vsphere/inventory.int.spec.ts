import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { type Vsphere, startVsphere } from './index.js';
import { readDisk } from './spec/nbdkit.js';
import { Soap, createSnapshot, enableCbt, first } from './spec/soap.js';

const MEBIBYTE = 1024 * 1024;

let vsphere: Vsphere;
let soap: Soap;
beforeAll(async () => {
  vsphere = await startVsphere({ vms: 150 });
  soap = await Soap.login(vsphere);
});
afterAll(() => vsphere.stop());

const ref = async (name: string) => `VirtualMachine:${(await vsphere.vm(name)).moref}`;

/** Watches names, power and change tracking of all VMs. */
async function watch() {
  const watcher = await Soap.login(vsphere);
  const collector = 'PropertyCollector:propertyCollector';
  const container = '<container type="Folder">group-d1</container><type>VirtualMachine</type>';
  const made = await watcher.call(
    'CreateContainerView',
    'ViewManager:ViewManager',
    `${container}<recursive>true</recursive>`,
  );
  const view = first(made, 'returnval') ?? '';
  const paths = ['name', 'runtime.powerState', 'config.changeTrackingEnabled'];
  const traversal =
    '<selectSet xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="TraversalSpec">' +
    '<type>ContainerView</type><path>view</path><skip>false</skip></selectSet>';
  await watcher.call(
    'CreateFilter',
    collector,
    `<spec><propSet><type>VirtualMachine</type>${paths.map((path) => `<pathSet>${path}</pathSet>`).join('')}</propSet>` +
      `<objectSet><obj type="ContainerView">${view}</obj><skip>true</skip>${traversal}</objectSet></spec>` +
      '<partialUpdates>false</partialUpdates>',
  );
  let version = '';
  const wait = async (shown = version) => {
    const options = '<options><maxWaitSeconds>2</maxWaitSeconds></options>';
    const text = await watcher.call('WaitForUpdatesEx', collector, `<version>${shown}</version>${options}`);
    version = first(text, 'version') ?? version;
    return { text, objects: text.match(/<objectSet>/g)?.length ?? 0 };
  };
  return { wait };
}

describe('who waits for updates', () => {
  it('gets all VMs in pages, and then what changes', async () => {
    const { wait } = await watch();
    const other = await watch();
    const page = await wait();
    expect([page.objects, first(page.text, 'truncated')]).toEqual([100, 'true']);
    expect((await wait()).objects).toBe(50);
    await other.wait();
    await vsphere.renameVm('vm3', 'renamed');
    expect((await wait()).text).toContain('>renamed<');
    await vsphere.powerOff('vm4');
    expect((await wait()).text).toContain('>poweredOff<');
    await soap.task('ReconfigVM_Task', await ref('vm5'), enableCbt);
    expect((await wait()).text).toMatch(/config\.changeTrackingEnabled.*>true</);
    const gone = await vsphere.vm('vm6');
    await vsphere.deleteVm('vm6');
    for (let text = ''; !text.includes('<kind>leave</kind>');) {
      ({ text } = await wait());
      if (text.includes('<kind>leave</kind>')) expect(text).toContain(gone.moref);
    }
    expect(existsSync(gone.disks[0]?.hostFile ?? '')).toBe(false);
    expect((await other.wait()).objects).toBe(50);
  });

  it('is told that a version is not one of this collector', async () => {
    const { wait } = await watch();
    await expect(wait('17')).rejects.toEqual(expect.objectContaining({ type: 'InvalidCollectorVersion' }));
  });
});

describe('a VM', () => {
  it('moves to another host and to another datastore, snapshots and all', async () => {
    const before = await vsphere.vm('vm10');
    const snapshot = await createSnapshot(soap, before.moref, 'kept');
    const bytes = await readFile((await vsphere.vm('vm10')).disks[0]?.hostFile ?? '');
    const other = await vsphere.vm('vm11');
    expect(other.host).not.toBe(before.host);
    await vsphere.vmotion('vm10', other.host);
    await vsphere.storageVmotion('vm10', 'LocalDS_1');
    const after = await vsphere.vm('vm10');
    expect(after.host).toBe(other.host);
    expect(after.disks[0]?.file).toBe('[LocalDS_1] vm10/disk1-000001.vmdk');
    expect((await readDisk(vsphere, 'vm10', { snapshot })).equals(bytes)).toBe(true);
    expect((await vsphere.journal()).map(({ effect }) => effect).slice(-3)).toEqual([
      'host-changed',
      'storage-moved',
      'disk-opened',
    ]);
  });

  it('gets, loses and extends disks', async () => {
    await vsphere.addDisk('vm20', 3 * MEBIBYTE);
    const [one, two] = (await vsphere.vm('vm20')).disks;
    expect((await stat(two?.hostFile ?? '')).size).toBe(3 * MEBIBYTE);
    await vsphere.growDisk('vm20', two?.key ?? 0, 5 * MEBIBYTE);
    expect((await vsphere.vm('vm20')).disks[1]?.capacityBytes).toBe(5 * MEBIBYTE);
    await vsphere.removeDisk('vm20', two?.key ?? 0);
    expect((await vsphere.vm('vm20')).disks).toEqual([one]);
  });

  it('can come later', async () => {
    const vm = await vsphere.addVm({ name: 'late', off: true, firmware: 'efi', secureBoot: true });
    expect(vm.power).toBe('poweredOff');
    expect(await soap.get(await ref('late'), 'config.firmware')).toContain('efi');
  });
});
