import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import {
  attemptOf,
  converted,
  sha256OfFile,
  type TemporaryFolder,
  temporaryFolder,
} from '@ledgerlift/testing';
import { hangs, processesIn, stubSettings } from '../spec/stub.js';
import { claimed, claimsFor, placeDisks, qemuIo, type VmOptions, vmOf } from '../spec/vm.js';
import { cleanup } from './cleanup.js';
import { imageCommit } from './image-commit.js';
import { imageConversion, testConversion } from './conversions.js';

const MiB = 2 ** 20;
let folder: TemporaryFolder;
let record: VmRecord;
let before: readonly string[];
const at = (name: string): string => join(folder.path, name);
const disks = (): string[] => record.disks.map(({ name }) => at(name));
const testOverlays = (): string[] => claimed(record, 'TestConversion', 'overlay').map(at);
const digests = (): Promise<string[]> => Promise.all(disks().map((path) => sha256OfFile(path)));

async function place(options: Partial<VmOptions> = {}): Promise<void> {
  const settings = { type: 'warm' as const, ...options.settings };
  record = vmOf({ root: folder.path, ...options, settings });
  await placeDisks(record);
  before = await digests();
}

async function test(env: Record<string, string> = {}, number = 1) {
  const attempt = attemptOf(record, { step: 'TestConversion', attempt: number });
  return { attempt, result: await testConversion(stubSettings(folder.path, env))(attempt) };
}

beforeEach(() => {
  folder = temporaryFolder('test-conversion');
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('a test conversion', () => {
  it.each(['raw', 'qcow2'] as const)(
    'converts in its own overlays, and never writes a %s disk',
    async (format) => {
      await place({ format });
      const { attempt, result } = await test();
      expect(result).toMatchObject({
        step: 'TestConversion',
        overlays: claimed(record, 'TestConversion', 'overlay'),
        log: 'default/web/logs/test-virt-v2v.log',
        inspection: { rootDevice: '/dev/sda1', bootDisk: 0 },
        capabilities: { diskBus: 'virtio' },
      });
      for (const path of testOverlays()) qemuIo(path, 'qcow2', 'read -P 0xcc 1M 1M');
      expect(await digests()).toEqual(before);
      expect(attempt.claimed).toEqual([
        ...claimsFor(record).TestConversion,
        expect.objectContaining({ kind: 'writer-record' }),
      ]);
      expect(attempt.releases.map(({ resource, how }) => [resource.kind, how])).toEqual([
        ['writer-record', 'removed'],
      ]);
    },
  );

  it('without guest conversion creates empty overlays, without virt-v2v', async () => {
    await place({ settings: { skipGuestConversion: true } });
    const { attempt, result } = await test({ LEDGERLIFT_V2V_COMMAND: 'virt-v2v-not-there' });
    expect(result).toEqual({
      step: 'TestConversion',
      overlays: claimed(record, 'TestConversion', 'overlay'),
      log: '',
    });
    for (const [index, path] of testOverlays().entries())
      qemuIo(path, 'qcow2', `read -P ${0x10 + index} 0 ${4 * MiB}`);
    expect(attempt.claimed.map(({ kind }) => kind)).toEqual(['overlay', 'overlay', 'writer-record']);
    expect(existsSync(at('default/web/logs'))).toBe(false);
  });

  it('uses the data of the next round, whatever an earlier one left', async () => {
    await place();
    await test();
    qemuIo(testOverlays()[0] ?? '', 'qcow2', 'write -P 0xee 2M 1M');
    qemuIo(disks()[0] ?? '', 'qcow2', 'write -P 0x77 3M 1M');
    await test({}, 2);
    qemuIo(testOverlays()[0] ?? '', 'qcow2', 'read -P 0x10 2M 1M');
    qemuIo(testOverlays()[0] ?? '', 'qcow2', 'read -P 0x77 3M 1M');
  });

  it('that fails leaves the disks unchanged, and reports the reason', async () => {
    await place();
    await expect(test({ V2V_STUB: 'error', V2V_STUB_ERROR: 'No root device found' })).rejects.toMatchObject({
      code: expect.stringMatching(/^LL-CONV-/),
    });
    expect(await digests()).toEqual(before);
  });

  it('is stopped even if virt-v2v hangs, with all its processes', async () => {
    await place();
    const attempt = attemptOf(record, { step: 'TestConversion' });
    const running = testConversion(stubSettings(folder.path, { V2V_STUB: 'hang' }))(attempt);
    running.catch(() => undefined);
    await hangs(attempt);
    attempt.stop(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    expect(processesIn(folder.path)).toEqual([]);
    expect(await digests()).toEqual(before);
  });

  it('is cleaned up without a trace', async () => {
    await place();
    await test();
    const release = claimsFor(record).TestConversion;
    const attempt = attemptOf(record, { step: 'Cleanup', release });
    await cleanup(stubSettings(folder.path))(attempt);
    expect(attempt.releases).toEqual(release.map((resource) => ({ resource, how: 'removed' })));
    expect(readdirSync(at('default/web')).toSorted()).toEqual([
      '.ledgerlift.json',
      'web-disk-0.qcow2',
      'web-disk-1.qcow2',
    ]);
    expect(await digests()).toEqual(before);
  });

  it('does not affect the conversion that is committed', async () => {
    await place();
    await test();
    qemuIo(testOverlays()[0] ?? '', 'qcow2', 'write -P 0xee 2M 1M');
    const settings = stubSettings(folder.path);
    await imageConversion(settings)(attemptOf(record, { step: 'ImageConversion' }));
    await imageCommit(settings)(attemptOf(record, { step: 'ImageCommit', results: [converted] }));
    qemuIo(disks()[0] ?? '', 'qcow2', 'read -P 0xcc 1M 1M');
    qemuIo(disks()[0] ?? '', 'qcow2', 'read -P 0x10 2M 1M');
    expect(readFileSync(at(claimed(record, 'TestConversion', 'log')[0] ?? 'none'), 'utf8')).toContain(
      'attempt 1 of',
    );
  });
});
