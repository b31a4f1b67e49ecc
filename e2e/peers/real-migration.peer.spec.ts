import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Installation } from '../installation/installation.js';
import { judgeLog } from '../installation/judge.js';
import { startWithGuestOva } from '../installation/real-guest.js';

/** virt-v2v in an emulated appliance takes two minutes on an idle machine. */
const LONG = 900_000;

let at: Installation;
beforeAll(async () => {
  at = await startWithGuestOva();
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
