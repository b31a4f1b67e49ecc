import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepResult, VmRecord } from '@ledgerlift/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { targetOf } from '@ledgerlift/targets';
import { until } from '@ledgerlift/testing';
import { readBootSettings } from '../boot-proof/settings.js';
import { ResultMissing } from '../errors.js';
import { bootSector, type TinyGuest } from '../spec/boot-sector.js';
import { digestOf, diskOf, qemusOn, vmWith } from '../spec/guest.js';
import { attemptAt, type RecordOptions } from '../spec/job.js';
import { cleanup } from './cleanup.js';
import { testBoot } from './test-boot.js';

const { claimsFor } = targetOf('directory');
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ledgerlift-test-boot-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

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

/** A warm VM after two passes, with the overlays that a test conversion leaves. */
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
    'shows that the last complete pass boots, and leaves %s disks and overlays untouched although the guest writes',
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
    'boots what the test conversion wrote, not what is below it',
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
    ['shows nothing that is known', silent, /no login prompt.*within 6 s.*hello/s],
  ])(
    'of a guest that %s is an answer, with the evidence',
    async (_, guest, evidence) => {
      const record = await tested(guest);
      const result = await testBoot({ ...settings, timeoutMs: 6000 })(attempt(record));
      expect(result).toMatchObject({ booted: false, evidence: expect.stringMatching(evidence) });
    },
    TEST_MS,
  );

  it(
    'stands for the last pass that is complete, not for one that is under way',
    async () => {
      const record = await tested(boots);
      const results = [snapshot(0), transfer(0), snapshot(1), overlaysMade];
      expect(await testBoot(settings)(attempt(record, results))).toMatchObject({ moment: 'pass-0' });
    },
    TEST_MS,
  );

  it(
    'of a converted guest has the devices that its test conversion found drivers for',
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

  it('has nothing to boot before a pass is complete', async () => {
    const record = await tested(boots);
    await expect(testBoot(settings)(attempt(record, [snapshot(0)]))).rejects.toThrow(ResultMissing);
  });

  it(
    'is stopped although the guest runs on, and QEMU with it; clean-up takes its log away',
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
