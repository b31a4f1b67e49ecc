import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applianceEnvironment, buildOva, guestImage } from '@ledgerlift/testing';
import { Installation } from '../installation/installation.js';
import { judgeLog } from '../installation/judge.js';

/** virt-v2v in an emulated appliance takes two minutes on an idle machine. */
const LONG = 900_000;

let at: Installation;
beforeAll(async () => {
  at = await Installation.start({
    env: {
      ...applianceEnvironment(),
      LEDGERLIFT_V2V_COMMAND: 'virt-v2v-in-place',
      LEDGERLIFT_GUESTFISH_COMMAND: 'guestfish',
      LEDGERLIFT_BOOT_TIMEOUT_S: '240',
    },
  });
  const disks = [{ raw: await guestImage() }];
  const nics = [{ network: 'VM Network', model: 'VmxNet3' as const }];
  const vms = [{ name: 'guest', disks, nics, controller: 'VirtualSCSI' as const, os: 'debian12_64Guest' }];
  await buildOva({ name: 'guest', folder: at.folder.file('ovas'), vms });
  await at.prepare();
}, LONG);
afterAll(() => at[Symbol.asyncDispose](), 60_000);

describe('a real Debian guest with VMware devices', () => {
  it(
    'is converted by virt-v2v and boots on virtio, though every service is killed on the way',
    async () => {
      const migration = await at.migrate('real', ['guest'], { bootProof: true, verify: 'full' });
      for (const [step, service] of [
        ['DiskTransfer', 'transfer'],
        ['ImageConversion', 'converter'],
        ['BootProof', 'vm-creator'],
        ['BootProof', 'planner'],
      ] as const) {
        await at.reached(migration, step);
        await at.service(service).kill();
        await at.service(service).restart();
      }
      await at.succeeded(migration, LONG);
      const vm = await at.vm(migration);
      expect(vm.bootProof).toMatchObject({ booted: true });
      expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
      expect(vm.inspection).toMatchObject({ family: 'linux' });
      expect((await judgeLog(at.logFile)).findings).toBe(0);
    },
    LONG,
  );

  it(
    'does not boot on virtio when it is copied as it is, and the boot proof says so',
    async () => {
      const raw = { skipGuestConversion: true, useCompatibilityMode: false };
      const vms = [{ ref: 'guest', targetName: 'raw' }];
      const migration = await at.migrate('raw', [], { vms, bootProof: true, ...raw });
      expect(await at.ended(migration, LONG)).toMatchObject({ status: 'failed' });
      const { error, pipeline } = await at.vm(migration);
      expect(pipeline.find(({ status }) => status === 'Failed')?.step).toBe('BootProof');
      expect(error?.code).toMatch(/^LL-VMC-/);
      expect(error?.message).toMatch(/initramfs|console/i);
    },
    LONG,
  );
});
