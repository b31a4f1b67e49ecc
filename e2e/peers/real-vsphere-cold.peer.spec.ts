import { afterEach, describe, expect, it } from '@jest/globals';
import { applianceEnvironment, guestImage, startVsphere, vddkPlugin } from '@ledgerlift/testing';
import { Installation } from '../installation/installation.js';
import { disksAreEqual, judgeLog } from '../installation/judge.js';

const MINUTES = 60_000;
const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
});

const withVddk = (): Record<string, string> => {
  const { plugin, libdir } = vddkPlugin();
  return { LEDGERLIFT_VDDK_DIR: libdir, LEDGERLIFT_VDDK_PLUGIN: plugin };
};

describe('a real Debian guest of vSphere, moved cold', () => {
  // Whichever way it came, it is the same disk, so one of them is converted and booted for all.
  it.each([
    ['vddk', withVddk, [], 'is converted, and boots on virtio'],
    ['datastore', () => ({}), [], 'is the same disk'],
    // Under a snapshot of somebody else's, the disk's file is not all there is.
    ['nfc', () => ({}), ['backup'], 'is the same disk'],
  ] as const)(
    'by %s',
    async (way, environment, snapshots, what) => {
      const converts = what !== 'is the same disk';
      const vsphere = await startVsphere({
        vms: [{ name: 'guest', off: true, memoryMb: 512, disks: [{ file: await guestImage() }] }],
      });
      ended.push(() => vsphere.stop());
      for (const name of snapshots) await vsphere.snapshotOf('guest', name);
      const at = await Installation.start({
        env: {
          ...applianceEnvironment(),
          LEDGERLIFT_V2V_COMMAND: 'virt-v2v-in-place',
          LEDGERLIFT_GUESTFISH_COMMAND: 'guestfish',
          LEDGERLIFT_BOOT_TIMEOUT_S: '240',
          ...environment(),
          LEDGERLIFT_VDDK_READS: vsphere.dataFolder,
        },
        secrets: { vcenter: vsphere.admin },
      });
      ended.push(() => at[Symbol.asyncDispose]());
      await at.prepare({
        source: {
          name: 'vcenter',
          type: 'vsphere',
          secret: { name: 'vcenter' },
          settings: { url: vsphere.url, thumbprint: vsphere.thumbprint256 },
        },
        storage: 'LocalDS_0',
      });
      const migration = await at.migrate('cold', ['guest'], {
        source: 'vcenter',
        bootProof: converts,
        skipGuestConversion: !converts,
        verify: 'full',
      });
      await at.succeeded(migration, 15 * MINUTES);
      const vm = await at.vm(migration);
      if (converts) {
        expect(vm.bootProof).toMatchObject({ booted: true });
        expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
      } else {
        const disk = at.folder.file('out', 'default', 'guest', 'guest-disk-0.raw');
        expect(disksAreEqual(await guestImage(), disk)).toBe(true);
      }
      const { items } = await at.call('vms.history', {
        params: { migration, vm: 0 },
        query: { limit: 1000 },
      });
      expect(JSON.stringify(items)).toContain(`"kind":"${way}"`);
      expect(await vsphere.vm('guest')).toMatchObject({
        power: 'poweredOff',
        snapshots: snapshots.map((name) => ({ name })),
      });
      expect((await judgeLog(at.logFile)).findings).toBe(0);
    },
    20 * MINUTES,
  );
});
