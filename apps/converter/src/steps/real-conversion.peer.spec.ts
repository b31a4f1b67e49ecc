import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StepResult, VmRecord } from '@ledgerlift/contracts';
import {
  applianceEnvironment,
  attemptOf,
  guest,
  guestImage,
  type RecordedAttempt,
  sha256OfFile,
  type TemporaryFolder,
  temporaryFolder,
} from '@ledgerlift/testing';
import { readConverterSettings } from '../config.js';
import { claimed, openPlace, vmOf } from '../spec/vm.js';
import { imageCommit } from './image-commit.js';
import { imageConversion } from './conversions.js';

const MINUTES = 60_000;
let folder: TemporaryFolder;
let record: VmRecord;
let attempt: RecordedAttempt;
let result: StepResult;
let digestBefore: string;
const at = (name: string): string => join(folder.path, name);
const disk = (): string => at(record.disks[0]?.name ?? '');

/** Runs a command on the guest's first file system in the raw disk. */
const debugfs = (...args: readonly string[]): string =>
  execFileSync('debugfs', [...args.slice(0, -1), '-R', args.at(-1) ?? '', `${disk()}?offset=1048576`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

/** Whether the guest's initramfs in a raw disk contains a file with this name. */
async function initramfsHolds(file: string): Promise<boolean> {
  const names = debugfs('ls -p /boot');
  const name = /initrd\.img-[^/]+/.exec(names)?.[0] ?? 'there is no initramfs';
  debugfs(`dump /boot/${name} ${at('initramfs')}`);
  // In the archive a name ends with NUL; in lists of all modules it does not.
  return gunzipSync(await readFile(at('initramfs'))).includes(`/${file}\0`);
}

beforeAll(async () => {
  folder = temporaryFolder('real-conversion');
  record = vmOf({ root: folder.path, disks: 1, size: guest.sizeBytes, format: 'raw' });
  for (const nic of record.source.vm.nics) nic.mac = '00:50:56:aa:bb:cc';
  await openPlace(record);
  await copyFile(await guestImage(), disk(), constants.COPYFILE_FICLONE);
  await writeFile(at('interfaces'), 'auto ens192\niface ens192 inet static\n  address 10.9.8.7/24\n');
  debugfs('-w', 'mkdir /etc/network');
  debugfs('-w', `write ${at('interfaces')} /etc/network/interfaces`);
  digestBefore = await sha256OfFile(disk());
  expect(await initramfsHolds('virtio_blk.ko')).toBe(false);
  const settings = readConverterSettings({ ...process.env, ...applianceEnvironment() });
  attempt = attemptOf(record, { step: 'ImageConversion' });
  result = await imageConversion(settings)(attempt);
}, 15 * MINUTES);

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('a real Debian guest of VMware', () => {
  it('is recognised, and has virtio drivers for its disks and NICs', () => {
    expect(result).toMatchObject({
      step: 'ImageConversion',
      inspection: {
        osName: 'debian12',
        arch: 'x86_64',
        family: 'linux',
        rootDevice: '/dev/sda1',
        firmware: 'bios',
        bootDisk: 0,
      },
      capabilities: { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true },
      overlays: ['default/web/web-disk-0.raw.overlay.qcow2'],
      log: 'default/web/logs/virt-v2v.log',
    });
    expect(attempt.conditions.filter(({ type }) => type !== 'ConversionWarning')).toEqual([]);
  });

  it('is converted in the overlay, and its disk is unchanged', async () => {
    expect(await sha256OfFile(disk())).toBe(digestBefore);
    expect(await initramfsHolds('virtio_blk.ko')).toBe(false);
  });

  it('reports progress that never decreases', () => {
    const percents = attempt.told.map(({ items }) => items[0]?.done ?? -1);
    expect(percents.length).toBeGreaterThan(8);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    expect(attempt.told.map(({ message }) => message)).toContain('Inspecting the source');
  });

  it('leaves only its log', async () => {
    const log = await readFile(at(claimed(record, 'ImageConversion', 'log')[0] ?? 'none'), 'utf8');
    expect(log).toContain('virt-v2v');
    expect(log).toContain('gcaps_block_bus = virtio-blk');
    const files = execFileSync('find', [folder.path, '-name', '*.writer.json'], { encoding: 'utf8' });
    expect(files).toBe('');
  });

  it(
    'has virtio in its initramfs after the commit',
    async () => {
      const settings = readConverterSettings();
      await imageCommit(settings)(attemptOf(record, { step: 'ImageCommit', results: [result] }));
      expect(await initramfsHolds('virtio_blk.ko')).toBe(true);
      const link = debugfs('cat /etc/systemd/network/10-ledgerlift-ens192.link');
      expect(link).toContain('MACAddress=00:50:56:aa:bb:cc');
      expect(link).toContain('Name=ens192');
      expect(debugfs('cat /etc/udev/rules.d/70-ledgerlift-net.rules')).toContain('NAME="ens192"');
      expect(await sha256OfFile(disk())).not.toBe(digestBefore);
    },
    2 * MINUTES,
  );
});
