import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StepResult, VmRecord } from '@ledgerlift/contracts';
import { targetOf } from '@ledgerlift/targets';
import { type TemporaryFolder, temporaryFolder, until } from '@ledgerlift/testing';
import { readBootSettings } from '../boot-proof/settings.js';
import { ResultMissing } from '../errors.js';
import { bootSector, type TinyGuest } from '../spec/boot-sector.js';
import { digestOf, diskOf, qemusOn, vmWith } from '../spec/guest.js';
import { attemptAt, type RecordOptions } from '../spec/job.js';
import { testBoot } from './boot-proof.js';
import { cleanup } from './cleanup.js';

const { claimsFor } = targetOf('directory');
let temporary: TemporaryFolder;
let root: string;
beforeEach(() => {
  temporary = temporaryFolder('test-boot');
  root = temporary.path;
});
afterEach(() => temporary.remove());

const TEST_MS = 300_000;
const settings = readBootSettings({ LEDGERLIFT_BOOT_ACCEL: 'tcg', LEDGERLIFT_BOOT_TIMEOUT_S: '90' });
const boots: TinyGuest = { prints: 'tiny login: ', disk: 'written', then: 'halts' };
const silent: TinyGuest = { prints: 'hello\r\n', disk: 'read-only', then: 'halts' };
const logOf = (): string => readFileSync(join(root, 'default/web/logs/test-boot.log'), 'latin1');
const overlayOf = (record: VmRecord, index = 0): string =>
  join(
    root,
    claimsFor(record).TestConversion.filter(({ kind }) => kind === 'overlay')[index]?.name ?? 'none',
  );

const snapshot = (round: number): StepResult => ({
  step: 'SnapshotCreation',
  snapshot: {
    name: `pass-${round}`,
    id: `snapshot-${round}`,
    momentId: `moment-${round}`,
    createdAt: '2026-01-01T00:00:00Z',
    disks: [],
  },
});
const transfer = (round: number): StepResult => ({
  step: 'DiskTransfer',
  disks: [],
  pass: { kind: round === 0 ? 'full' : 'delta', round },
});
const passes = [snapshot(0), transfer(0), snapshot(1), transfer(1)];
const overlaysMade: StepResult = { step: 'TestConversion', overlays: [], log: '' };

/** A warm VM after two rounds, with the overlays of a test conversion. */
async function tested(guest: TinyGuest, options: Partial<RecordOptions> = {}): Promise<VmRecord> {
  const settings = { type: 'warm' as const, ...options.settings };
  const record = await vmWith(guest, { root, disks: 2, ...options, settings });
  for (const [index, disk] of record.disks.entries()) {
    const base = ['-b', diskOf(record, index), '-F', disk.format];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, overlayOf(record, index)]);
  }
  return record;
}

const attempt = (record: VmRecord, results: readonly StepResult[] = [...passes, overlaysMade]) =>
  attemptAt('TestBoot', record, { results });

describe('a test boot', () => {
  it.each(['raw', 'qcow2'] as const)(
    'boots the last complete round, and leaves %s disks and overlays unchanged even if the guest writes',
    async (format) => {
      const record = await tested(boots, { format });
      const files = [0, 1].flatMap((index) => [diskOf(record, index), overlayOf(record, index)]);
      const before = files.map(digestOf);
      expect(await testBoot(settings)(attempt(record))).toEqual({
        step: 'TestBoot',
        booted: true,
        seconds: expect.any(Number),
        evidence: expect.stringMatching(/a login prompt after .* 2 sata disks, no NIC/),
        log: 'default/web/logs/test-boot.log',
        moment: 'pass-1',
      });
      expect(files.map(digestOf)).toEqual(before);
      expect(logOf()).toMatch(/^# Ledgerlift test boot of pass-1/);
    },
    TEST_MS,
  );

  it(
    'boots the overlays of the test conversion, not their bases',
    async () => {
      const record = await tested(silent);
      const sector = join(root, 'sector');
      writeFileSync(sector, bootSector(boots));
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -q -s ${sector} 0 512`, overlayOf(record)]);
      const before = digestOf(diskOf(record));
      expect(await testBoot(settings)(attempt(record))).toMatchObject({ booted: true });
      expect(digestOf(diskOf(record))).toBe(before);
    },
    TEST_MS,
  );

  it.each<[string, TinyGuest, RegExp]>([
    ['panics', { ...boots, prints: 'Kernel panic - not syncing: no root' }, /panicked.*no root/s],
    ['prints no known line', silent, /no login prompt.*within 6 s.*hello/s],
  ])(
    'of a guest that %s completes with evidence',
    async (_, guest, evidence) => {
      const record = await tested(guest);
      const result = await testBoot({ ...settings, timeoutMs: 6000 })(attempt(record));
      expect(result).toMatchObject({ booted: false, evidence: expect.stringMatching(evidence) });
    },
    TEST_MS,
  );

  it(
    'represents the last complete round, not a running one',
    async () => {
      const record = await tested(boots);
      const results = [snapshot(0), transfer(0), snapshot(1), overlaysMade];
      expect(await testBoot(settings)(attempt(record, results))).toMatchObject({ moment: 'pass-0' });
    },
    TEST_MS,
  );

  it(
    'of a converted guest has the devices with drivers found by its test conversion',
    async () => {
      const record = await tested(boots, { settings: { skipGuestConversion: false } });
      await expect(testBoot(settings)(attempt(record))).rejects.toThrow(ResultMissing);
      const converted = {
        ...overlaysMade,
        capabilities: { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true } as const,
      };
      const result = await testBoot(settings)(attempt(record, [...passes, converted]));
      expect(result).toMatchObject({ booted: true, evidence: expect.stringContaining('2 virtio disks') });
    },
    TEST_MS,
  );

  it('fails before a round is complete', async () => {
    const record = await tested(boots);
    await expect(testBoot(settings)(attempt(record, [snapshot(0)]))).rejects.toThrow(ResultMissing);
  });

  it(
    'is stopped with QEMU even if the guest keeps running; clean-up removes its log',
    async () => {
      const record = await tested(silent);
      const reason = new Error('canceled');
      const running = attemptAt('TestBoot', record, { results: [...passes, overlaysMade] });
      const ended = expect(testBoot(settings)(running)).rejects.toBe(reason);
      await until('a QEMU on the disk', () => qemusOn(overlayOf(record)).length > 0);
      running.stop(reason);
      await ended;
      expect(qemusOn(overlayOf(record))).toEqual([]);
      const release = [...claimsFor(record).TestBoot];
      const done = attemptAt('Cleanup', record, { release });
      await cleanup(done);
      expect(done.releases.map(({ how }) => how)).toEqual(['removed']);
      expect(existsSync(join(root, 'default/web/logs'))).toBe(false);
    },
    TEST_MS,
  );
});
