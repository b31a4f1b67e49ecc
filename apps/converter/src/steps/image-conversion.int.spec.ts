import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StepResult, VmRecord } from '@ledgerlift/contracts';
import { attemptOf, type RecordedAttempt, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { hangs, processesIn, stubSettings } from '../spec/stub.js';
import { claimed, claimsFor, placeDisks, qemuIo, vmOf } from '../spec/vm.js';
import { imageCommit } from './image-commit.js';
import { imageConversion } from './conversions.js';

const MiB = 2 ** 20;
let folder: TemporaryFolder;
let record: VmRecord;
const at = (name: string): string => join(folder.path, name);
const disk = (index: number): string => at(record.disks[index]?.name ?? '');
const overlays = (): string[] => claimed(record, 'ImageConversion', 'overlay').map(at);
const logText = (): string =>
  readFileSync(at(claimed(record, 'ImageConversion', 'log')[0] ?? 'none'), 'utf8');
const scratches = (): string[] =>
  readdirSync(folder.path).filter((name) => name.startsWith('ledgerlift-v2v'));

const settingsWith = (env: Record<string, string> = {}) => stubSettings(folder.path, env);

async function convert(
  env: Record<string, string> = {},
  number = 1,
): Promise<{ readonly attempt: RecordedAttempt; readonly result: StepResult }> {
  const attempt = attemptOf(record, { step: 'ImageConversion', attempt: number });
  return { attempt, result: await imageConversion(settingsWith(env))(attempt) };
}

/** Every byte of the disks is unchanged since the transfer. */
function expectUntouched(): void {
  for (const [index, { format }] of record.disks.entries())
    qemuIo(disk(index), format, `read -P ${0x10 + index} 0 ${4 * MiB}`);
}

beforeEach(async () => {
  folder = temporaryFolder('conversion');
  record = vmOf({ root: folder.path });
  await placeDisks(record);
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('a conversion', () => {
  it('writes overlays over all disks, and no disk', async () => {
    const { result } = await convert();
    expectUntouched();
    for (const path of overlays()) qemuIo(path, 'qcow2', 'read -P 0xcc 1M 1M');
    expect(result).toMatchObject({
      step: 'ImageConversion',
      inspection: { osName: 'debian12', rootDevice: '/dev/sda1', bootDisk: 0 },
      capabilities: { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true },
      overlays: claimed(record, 'ImageConversion', 'overlay'),
    });
  });

  it('claims its files, and leaves only overlays and log', async () => {
    const { attempt } = await convert();
    const holder = { kind: 'writer-record', name: 'default/web/conversion.writer.json' };
    expect(attempt.claimed).toEqual([...claimsFor(record).ImageConversion, expect.objectContaining(holder)]);
    expect(attempt.releases).toEqual([{ resource: expect.objectContaining(holder), how: 'removed' }]);
    expect(existsSync(at(holder.name))).toBe(false);
    expect(scratches()).toEqual([]);
  });

  it('keeps its log, which shows none of our environment', async () => {
    await convert();
    expect(logText()).toContain('attempt 1 of vm-m1-0');
    expect(logText()).toContain('nats=none');
  });

  it('does not open a disk that was swapped for one that refers to a host file', async () => {
    writeFileSync(at('of-the-host'), Buffer.alloc(MiB, 'secret'));
    const args = ['create', '-q', '-f', 'qcow2', '-b', at('of-the-host'), '-F', 'raw', disk(1)];
    execFileSync('qemu-img', args);
    await expect(convert()).rejects.toMatchObject({ code: 'LL-DSK-040', failure: 'permanent' });
    expect(overlays().some((path) => existsSync(path))).toBe(false);
  });

  it('collects warnings in one condition', async () => {
    const { attempt } = await convert();
    expect(attempt.conditions.at(-1)).toMatchObject({
      type: 'ConversionWarning',
      category: 'Warn',
      items: ['the first thing', 'the second thing'],
    });
  });

  it('of a guest without virtio gives it other devices, with a condition', async () => {
    const { attempt, result } = await convert({ V2V_STUB: 'no-virtio' });
    expect(result).toMatchObject({ capabilities: { diskBus: 'sata', nicModel: 'e1000e' } });
    expect(attempt.conditions.at(-1)).toMatchObject({
      type: 'NoVirtioDrivers',
      category: 'Warn',
      message: expect.stringContaining('SATA and e1000e'),
    });
  });

  it('that took another root than the plan names raises a condition', async () => {
    record = vmOf({ root: folder.path, settings: { rootDisk: '/dev/sda7' } });
    const { attempt } = await convert();
    expect(attempt.conditions.at(-1)).toMatchObject({
      type: 'RootDiskIgnored',
      items: ['/dev/sda7', '/dev/sda1'],
    });
  });

  it('that is followed by the commit reaches the disks', async () => {
    const { result } = await convert();
    await imageCommit(settingsWith())(attemptOf(record, { step: 'ImageCommit', results: [result] }));
    for (const index of [0, 1]) {
      qemuIo(disk(index), 'qcow2', `read -P ${0x10 + index} 0 1M`);
      qemuIo(disk(index), 'qcow2', 'read -P 0xcc 1M 1M');
    }
  });

  it('finds the disk with GRUB', async () => {
    writeFileSync(at('sector'), Buffer.concat([Buffer.from('......GRUB'), Buffer.alloc(502)]));
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -s ${at('sector')} 0 512`, disk(1)]);
    expect((await convert()).result).toMatchObject({ inspection: { bootDisk: 1 } });
  });
});

describe('an earlier attempt', () => {
  it('leaves no usable state: overlays are recreated, and its commit marker is removed', async () => {
    await convert();
    qemuIo(overlays()[0] ?? '', 'qcow2', 'write -P 0xee 3M 1M');
    writeFileSync(at(claimed(record, 'ImageCommit', 'commit-marker')[0] ?? 'none'), '{}');
    await convert({}, 2);
    qemuIo(overlays()[0] ?? '', 'qcow2', 'read -P 0x10 3M 1M');
    expect(existsSync(at(claimed(record, 'ImageCommit', 'commit-marker')[0] ?? 'none'))).toBe(false);
    expect(logText()).toContain('attempt 2 of vm-m1-0');
  });

  it('that was killed leaves a torn overlay, which is no obstacle', async () => {
    writeFileSync(overlays()[0] ?? '', 'torn');
    expect((await convert()).result.step).toBe('ImageConversion');
  });

  it('that still runs somewhere on this host is ended first', async () => {
    const first = attemptOf(record, { step: 'ImageConversion' });
    const failed = imageConversion(settingsWith({ V2V_STUB: 'hang' }))(first).catch(
      (error: unknown) => error,
    );
    await hangs(first);
    await convert({}, 2);
    expect(await failed).toMatchObject({ code: 'LL-CONV-017', failure: 'transient' });
    qemuIo(overlays()[0] ?? '', 'qcow2', 'read -P 0xcc 1M 1M');
  });
});

describe('a conversion that does not succeed', () => {
  it.each([
    ['error', 'No root device found in this operating system image.', 'LL-CONV-010', 'permanent'],
    ['error', 'libguestfs error: guestfs_launch failed.', 'LL-CONV-016', 'transient'],
    ['torn', '', 'LL-CONV-030', 'transient'],
  ])('(%s: %s) leaves the disks unchanged', async (kind, text, code, failure) => {
    await expect(convert({ V2V_STUB: kind, V2V_STUB_ERROR: text })).rejects.toMatchObject({ code, failure });
    expectUntouched();
    expect(scratches()).toEqual([]);
  });

  it('is stopped by a cancel even if virt-v2v hangs', async () => {
    const attempt = attemptOf(record, { step: 'ImageConversion' });
    const running = imageConversion(settingsWith({ V2V_STUB: 'hang' }))(attempt);
    running.catch(() => undefined);
    await hangs(attempt);
    expect(processesIn(folder.path)).not.toEqual([]);
    attempt.stop(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    expect(processesIn(folder.path)).toEqual([]);
    expectUntouched();
  });

  it('is stopped at its time limit', async () => {
    await expect(convert({ V2V_STUB: 'hang', LEDGERLIFT_V2V_TIMEOUT_S: '1' })).rejects.toMatchObject({
      code: 'LL-CONV-021',
      failure: 'transient',
    });
  });

  it('names a missing tool', async () => {
    await expect(convert({ LEDGERLIFT_V2V_COMMAND: 'virt-v2v-not-there' })).rejects.toMatchObject({
      code: 'LL-CONV-001',
      message: expect.stringContaining('virt-v2v-not-there'),
    });
  });
});
