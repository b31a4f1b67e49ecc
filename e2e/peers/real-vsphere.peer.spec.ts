import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  applianceEnvironment,
  guest,
  guestImage,
  readGuestFile,
  startVsphere,
  vddkPlugin,
  type Vsphere,
} from '@ledgerlift/testing';
import { Installation } from '../installation/installation.js';
import { judgeLog } from '../installation/judge.js';

const MINUTES = 60_000;
let at: Installation;
let vsphere: Vsphere;

beforeAll(async () => {
  const { user, password } = guest;
  vsphere = await startVsphere({
    vms: [
      {
        name: 'guest',
        memoryMb: 512,
        disks: [{ file: await guestImage() }],
        changeTracking: true,
        tools: { status: 'running' },
        guest: { memoryMb: 512, user, password },
      },
    ],
  });
  const { plugin, libdir } = vddkPlugin();
  at = await Installation.start({
    env: {
      ...applianceEnvironment(),
      LEDGERLIFT_V2V_COMMAND: 'virt-v2v-in-place',
      LEDGERLIFT_GUESTFISH_COMMAND: 'guestfish',
      LEDGERLIFT_BOOT_TIMEOUT_S: '240',
      LEDGERLIFT_VDDK_DIR: libdir,
      LEDGERLIFT_VDDK_PLUGIN: plugin,
    },
    secrets: { vcenter: vsphere.admin },
  });
  await at.prepare({
    source: {
      name: 'vcenter',
      type: 'vsphere',
      secret: { name: 'vcenter' },
      settings: { url: vsphere.url, thumbprint: vsphere.thumbprint256 },
    },
    storage: 'LocalDS_0',
  });
  await vsphere.tellGuest('guest', 'hostname');
}, 10 * MINUTES);
afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await vsphere.stop();
}, MINUTES);

const tell = (text: string) => vsphere.tellGuest('guest', `echo ${text} > /root/last; sync`);

describe('a real Debian guest that runs in vSphere while it is migrated', () => {
  it(
    'is copied in a full and three delta passes, cut over, and boots on virtio with its last write',
    async () => {
      const migration = await at.migrate('real', ['guest'], {
        source: 'vcenter',
        type: 'warm',
        bootProof: true,
        verify: 'full',
        warm: { precopyIntervalMs: 2000 },
      });
      for (const round of [1, 2, 3]) {
        await tell(`before pass ${round}`);
        await at.until(
          migration,
          ({ state, warm }) => state === 'waiting' && (warm?.round ?? 0) >= round,
          5 * MINUTES,
        );
      }
      await tell('the last word');
      await at.call('vms.cutover', { params: { migration, vm: 0 }, body: {} });
      await at.succeeded(migration, 15 * MINUTES);
      const vm = await at.vm(migration);
      expect(vm.bootProof).toMatchObject({ booted: true });
      expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
      expect(await vsphere.vm('guest')).toMatchObject({ power: 'poweredOff', snapshots: [] });
      const disk = at.folder.file('out', 'default', 'guest', 'guest-disk-0.raw');
      expect(readGuestFile(disk, '/root/last')).toBe('the last word\n');
      expect((await judgeLog(at.logFile)).findings).toBe(0);
    },
    40 * MINUTES,
  );
});
