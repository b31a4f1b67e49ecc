import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { type TemporaryFolder, temporaryFolder, until } from '@ledgerlift/testing';
import { readBootSettings } from '../boot-proof/settings.js';
import { TargetHeld } from '../errors.js';
import { digestOf, diskOf, qemusOn, vmWith } from '../spec/guest.js';
import { attemptAt, poweredOff } from '../spec/job.js';
import { bootProof } from './boot-proof.js';
import { finalPowerActions, targetPowerOff, virtualMachineCreation } from './target-power.js';

let temporary: TemporaryFolder;
let root: string;
beforeEach(() => {
  temporary = temporaryFolder('off');
  root = temporary.path;
});
afterEach(() => temporary.remove());

const TEST_MS = 60_000;
const results = [poweredOff('moment')];
const manifest = (): string => join(root, 'default/web/manifests/vm.yaml');
const powerOff = (record: VmRecord) => targetPowerOff(attemptAt('TargetPowerOff', record, { results }));

/** A hanging guest after its migration: its manifest starts it. */
async function started(format: 'raw' | 'qcow2' = 'raw'): Promise<VmRecord> {
  const guest = { prints: 'hello', disk: 'read-only', then: 'halts' } as const;
  const record: VmRecord = { ...(await vmWith(guest, { root, disks: 2, format })), powerState: 'on' };
  await virtualMachineCreation(attemptAt('VirtualMachineCreation', record, { results }));
  const ask = finalPowerActions(() => Promise.resolve({ powerState: 'off', momentId: 'moment' }));
  await ask(attemptAt('FinalPowerActions', record, { results }));
  expect(readFileSync(manifest(), 'utf8')).toContain('runStrategy: Always');
  return record;
}

describe('TargetPowerOff', () => {
  it.each(['raw', 'qcow2'] as const)(
    'prevents the start of the target, leaves its %s disks unchanged, and is idempotent',
    async (format) => {
      const record = await started(format);
      const before = digestOf(diskOf(record));
      expect(await powerOff(record)).toEqual({ step: 'TargetPowerOff' });
      const halted = readFileSync(manifest(), 'utf8');
      expect(halted).toContain('runStrategy: Halted');
      expect(await powerOff(record)).toEqual({ step: 'TargetPowerOff' });
      expect(readFileSync(manifest(), 'utf8')).toBe(halted);
      expect(digestOf(diskOf(record))).toBe(before);
    },
  );

  it(
    'ends the QEMU of a boot proof',
    async () => {
      const record = await started();
      const settings = readBootSettings({ LEDGERLIFT_BOOT_ACCEL: 'tcg', LEDGERLIFT_BOOT_TIMEOUT_S: '90' });
      const proof = bootProof(settings)(attemptAt('BootProof', record));
      const ended = expect(proof).rejects.toMatchObject({ code: 'LL-VMC-003' });
      await until('a QEMU on the disk', () => qemusOn(diskOf(record)).length > 0);
      await powerOff(record);
      expect(qemusOn(diskOf(record))).toEqual([]);
      await ended;
    },
    TEST_MS,
  );

  it(
    'fails if the target was started by hand',
    async () => {
      const record = await started();
      const drive = `if=none,id=d,format=raw,file=${diskOf(record, 1)}`;
      const qemu = spawn(
        'qemu-system-x86_64',
        ['-nodefaults', '-display', 'none', '-m', '64', '-drive', drive, '-device', 'virtio-blk-pci,drive=d'],
        { stdio: 'ignore' },
      );
      try {
        await until('a QEMU on the disk', () => qemusOn(diskOf(record, 1)).length > 0);
        await expect(powerOff(record)).rejects.toThrow(TargetHeld);
        expect(qemu.exitCode).toBeNull();
        expect(readFileSync(manifest(), 'utf8')).toContain('runStrategy: Halted');
      } finally {
        qemu.kill('SIGKILL');
      }
      await powerOff(record);
    },
    TEST_MS,
  );

  it('creates nothing if no VM exists', async () => {
    const record = await started();
    rmSync(join(root, 'default'), { recursive: true });
    expect(await powerOff(record)).toEqual({ step: 'TargetPowerOff' });
    expect(existsSync(join(root, 'default'))).toBe(false);
  });

  it('is undone by a later FinalPowerActions', async () => {
    const record = await started();
    await powerOff(record);
    const ask = finalPowerActions(() => Promise.resolve({ powerState: 'off', momentId: 'moment' }));
    await ask(attemptAt('FinalPowerActions', record, { results }));
    expect(readFileSync(manifest(), 'utf8')).toContain('runStrategy: Always');
  });
});
