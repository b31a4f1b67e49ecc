import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder, until } from '@ledgerlift/testing';
import { readBootSettings } from '../boot-proof/settings.js';
import { GuestDidNotBoot } from '../errors.js';
import type { TinyGuest } from '../spec/boot-sector.js';
import { digestOf, diskOf, qemusOn, vmWith } from '../spec/guest.js';
import { attemptAt, type RecordOptions } from '../spec/job.js';
import { bootProof } from './boot-proof.js';

let temporary: TemporaryFolder;
let root: string;
beforeEach(() => {
  temporary = temporaryFolder('boot');
  root = temporary.path;
});
afterEach(() => temporary.remove());

const TEST_MS = 300_000;
const settings = readBootSettings({ LEDGERLIFT_BOOT_ACCEL: 'tcg', LEDGERLIFT_BOOT_TIMEOUT_S: '90' });
const logOf = (): string => readFileSync(join(root, 'default/web/logs/boot-proof.log'), 'latin1');

/** A result with a boot sector on its first disk. */
const resultWith = (guest: TinyGuest | undefined, options: Partial<RecordOptions> = {}) =>
  vmWith(guest, { root, ...options });

describe('a boot proof', () => {
  it.each([
    ['raw', true],
    ['qcow2', true],
    ['raw', false],
    ['qcow2', false],
  ] as const)(
    'of a guest that boots (%s, compatibility mode %s) leaves its disks unchanged even if the guest writes',
    async (format, useCompatibilityMode) => {
      const guest: TinyGuest = { prints: 'tiny login: ', disk: 'written', then: 'halts' };
      const options = { format, disks: 2, settings: { useCompatibilityMode } };
      const record = await resultWith(guest, options);
      const before = record.disks.map((_, index) => digestOf(diskOf(record, index)));
      const result = await bootProof(settings)(attemptAt('BootProof', record));
      expect(result).toMatchObject({
        step: 'BootProof',
        booted: true,
        evidence: expect.stringContaining(useCompatibilityMode ? '2 sata disks' : '2 virtio disks'),
        log: 'default/web/logs/boot-proof.log',
      });
      expect(record.disks.map((_, index) => digestOf(diskOf(record, index)))).toEqual(before);
      expect(logOf()).toContain('tiny login:');
    },
    TEST_MS,
  );

  it('does not start with a disk that refers to a host file', async () => {
    const record = await resultWith(undefined, { format: 'qcow2' });
    const [host, disk] = [join(root, 'host'), diskOf(record, 0)];
    writeFileSync(host, Buffer.alloc(1024 * 1024));
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', host, '-F', 'raw', disk]);
    const proof = bootProof(settings)(attemptAt('BootProof', record));
    await expect(proof).rejects.toMatchObject({ code: 'LL-DSK-040' });
  });

  it(
    'fails for a disk without a boot sector, and shows the console',
    async () => {
      const record = await resultWith(undefined);
      const failure = bootProof(settings)(attemptAt('BootProof', record));
      await expect(failure).rejects.toThrow(GuestDidNotBoot);
      await expect(failure).rejects.toThrow(/no bootable device.*not a bootable disk/s);
      expect(logOf()).toContain('SeaBIOS');
    },
    TEST_MS,
  );

  it.each<[string, TinyGuest, RegExp]>([
    [
      'panics',
      { prints: 'Kernel panic - not syncing: no root', disk: 'read-only', then: 'halts' },
      /panicked/,
    ],
    ['powers itself off', { prints: 'bye\r\n', disk: 'read-only', then: 'powers-off' }, /powered itself off/],
    ['prints no known line', { prints: 'hello\r\n', disk: 'read-only', then: 'halts' }, /within 6 s.*hello/s],
  ])(
    'fails for a guest that %s',
    async (_, guest, message) => {
      const record = await resultWith(guest);
      const attempt = attemptAt('BootProof', record);
      await expect(bootProof({ ...settings, timeoutMs: 6000 })(attempt)).rejects.toThrow(message);
      if (guest.prints.startsWith('hello'))
        expect(attempt.told.at(-1)).toMatchObject({
          message: expect.stringMatching(/hello$/),
          items: [{ name: 'boot', total: 6 }],
        });
    },
    TEST_MS,
  );

  it(
    'accepts a custom marker',
    async () => {
      const record = await resultWith({ prints: 'appliance ready', disk: 'read-only', then: 'halts' });
      const result = await bootProof({ ...settings, marker: /ready$/m })(attemptAt('BootProof', record));
      expect(result).toMatchObject({ booted: true });
    },
    TEST_MS,
  );

  it(
    'is stopped with QEMU even if the guest keeps running',
    async () => {
      const record = await resultWith({ prints: 'hello', disk: 'read-only', then: 'halts' });
      const reason = new Error('canceled');
      const attempt = attemptAt('BootProof', record);
      const ended = expect(bootProof(settings)(attempt)).rejects.toBe(reason);
      await until('a QEMU on the disk', () => qemusOn(diskOf(record)).length > 0);
      attempt.stop(reason);
      await ended;
      expect(qemusOn(diskOf(record))).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'first ends QEMU of an earlier attempt',
    async () => {
      const record = await resultWith({ prints: 'hello', disk: 'read-only', then: 'halts' });
      const first = bootProof(settings)(attemptAt('BootProof', record));
      const ended = expect(first).rejects.toMatchObject({ code: 'LL-VMC-003', failure: 'transient' });
      await until('a QEMU on the disk', () => qemusOn(diskOf(record)).length > 0);
      const marker = { ...settings, marker: /hello$/m };
      expect(await bootProof(marker)(attemptAt('BootProof', record))).toMatchObject({ booted: true });
      await ended;
      expect(qemusOn(diskOf(record))).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'refuses a disk that another process still writes',
    async () => {
      const record = await resultWith({ prints: 'tiny login:', disk: 'read-only', then: 'halts' });
      const socket = join(root, 'nbd.sock');
      const writer = spawn('qemu-nbd', ['-f', 'raw', '-t', '-k', socket, diskOf(record)], {
        stdio: 'ignore',
      });
      try {
        await until('the NBD server', () => readdirSync(root).includes('nbd.sock'));
        await expect(bootProof(settings)(attemptAt('BootProof', record))).rejects.toMatchObject({
          code: 'LL-VMC-003',
          failure: 'transient',
          message: expect.stringMatching(/lock/),
        });
      } finally {
        writer.kill('SIGKILL');
      }
    },
    TEST_MS,
  );
});
