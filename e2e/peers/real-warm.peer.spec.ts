import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type LabHypervisor,
  applianceEnvironment,
  guest,
  guestImage,
  readGuestFile,
} from '@ledgerlift/testing';
import type { Installation } from '../installation/installation.js';
import { judgeLog } from '../installation/judge.js';
import { type LabInstallation, startWithLab } from '../installation/lab.js';

const MINUTES = 60_000;
let started: LabInstallation;
let at: Installation;
let lab: LabHypervisor;

beforeAll(async () => {
  started = await startWithLab({
    ...applianceEnvironment(),
    LEDGERLIFT_V2V_COMMAND: 'virt-v2v-in-place',
    LEDGERLIFT_GUESTFISH_COMMAND: 'guestfish',
    LEDGERLIFT_BOOT_TIMEOUT_S: '240',
  });
  ({ at, lab } = started);
  const from = { path: await guestImage(), format: 'raw' } as const;
  const { user, password } = guest;
  await lab.createVm({
    id: 'guest',
    name: 'guest',
    engine: 'qemu',
    memoryBytes: 512 * 1024 * 1024,
    login: { user, password },
    nics: [{ id: 'nic-0', name: 'nic', network: 'VM Network' }],
    disks: [{ id: 'root', capacityBytes: guest.sizeBytes, from }],
  });
  await lab.power('guest', 'on');
  for (let tries = 0; !(await isUp()); tries += 1) {
    if (tries > 1200) throw new Error('the guest did not come up');
    await delay(200);
  }
}, 10 * MINUTES);
afterAll(() => started.end(), MINUTES);

const isUp = async (): Promise<boolean> =>
  ((await lab.do('GET', '/vms/guest')) as { readonly guestUp: boolean }).guestUp;
const tell = (command: string) => lab.do('POST', '/vms/guest/guest', { command });

describe('a real Debian guest that runs while it is migrated', () => {
  it(
    'is test-booted from its newest state, goes on running, and boots on virtio with its last write',
    async () => {
      const migration = await at.migrate('real', ['guest'], {
        source: 'lab',
        type: 'warm',
        bootProof: true,
        verify: 'full',
        warm: { precopyIntervalMs: 5000 },
      });
      await at.until(migration, ({ state }) => state === 'waiting', 3 * MINUTES);
      await at.call('vms.test-boot', { params: { migration, vm: 0 }, body: {} });
      const tested = await at.until(migration, ({ testBoot }) => testBoot !== undefined, 12 * MINUTES);
      expect(tested.testBoot).toMatchObject({ booted: true });
      await tell('echo written after the test boot > /root/late; sync');
      await at.until(
        migration,
        ({ state, warm }) => state === 'waiting' && (warm?.round ?? 0) >= 1,
        3 * MINUTES,
      );
      await tell('echo the last word > /root/last; sync');
      await at.cutover(migration);
      await at.succeeded(migration, 15 * MINUTES);
      const vm = await at.vm(migration);
      expect(vm.bootProof).toMatchObject({ booted: true });
      expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
      expect(await isUp()).toBe(false);
      const disk = at.folder.file('out', 'default', 'guest', 'guest-disk-0.raw');
      expect(readGuestFile(disk, '/root/late')).toBe('written after the test boot\n');
      expect(readGuestFile(disk, '/root/last')).toBe('the last word\n');
      expect((await judgeLog(at.logFile)).findings).toBe(0);
    },
    40 * MINUTES,
  );
});
