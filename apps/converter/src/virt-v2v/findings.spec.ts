import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { diskIndexOf, type Findings, FindingsReader } from './findings.js';
import { parseMessage } from './messages.js';

const recorded = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, 'recorded', name), 'utf8').split('\n');
const debian = recorded('debian12.stderr.txt');
const VIRTIO = 'This guest has virtio drivers installed.';

function read(lines: readonly string[], infos: readonly string[] = [VIRTIO]): Findings {
  const reader = new FindingsReader();
  for (const line of lines) reader.line(line);
  for (const info of infos) reader.info(info);
  return reader.findings();
}
const replaced = (from: string, to: string): string[] => debian.map((line) => line.replace(from, to));

describe('the output of virt-v2v-in-place 2.2.0 for a Debian guest', () => {
  it('is understood where half a line of the console comes first', () => {
    const blocks = /^(i_root|gcaps_block_bus|target )/;
    const newer = [...debian, 'target firmware: uefi', 'target boot device: 2'];
    for (const half of ['guestfsd: => is_fi', 'chroot: /sysroot: ', '\u001b[0m', 'gcaps_'])
      expect(read(newer.map((line) => (blocks.test(line) ? half + line : line)))).toEqual(read(newer));
  });

  it('gives its system and its drivers', () => {
    const infos = recorded('debian12.messages.jsonl').flatMap((line) => {
      const message = parseMessage(line);
      return message?.type === 'info' ? [message.message] : [];
    });
    expect(read(debian, infos)).toEqual({
      inspection: {
        osName: 'debian12',
        osProduct: '12.15',
        osVersion: '12.15',
        arch: 'x86_64',
        family: 'linux',
        rootDevice: '/dev/sda1',
        firmware: 'bios',
        bootDisk: undefined,
      },
      capabilities: { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true },
    });
  });
});

describe('virtio', () => {
  const none = { diskBus: 'sata', nicModel: 'e1000e', rng: false, balloon: false };

  it('is not assumed without output', () => {
    expect(read([], []).capabilities).toEqual(none);
    expect(read([]).capabilities).toEqual(none);
  });

  it('is not assumed if only one of the two channels reports it', () => {
    expect(read(debian, []).capabilities).toEqual(none);
    expect(read(debian, ['This guest does not have virtio drivers installed.']).capabilities).toEqual(none);
  });

  it.each(['ide', 'something-new', ''])('is not assumed for a disk bus "%s"', (bus) => {
    const lines = replaced('gcaps_block_bus = virtio-blk', `gcaps_block_bus = ${bus}`);
    expect(read(lines).capabilities.diskBus).toBe('sata');
  });

  it.each(['e1000', 'rtl8139', 'something-new'])('is not assumed for a network adapter "%s"', (bus) => {
    const lines = replaced('gcaps_net_bus = virtio-net', `gcaps_net_bus = ${bus}`);
    expect(read(lines).capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'e1000e' });
  });

  it('is not assumed from a block that was cut off', () => {
    expect(read(['gcaps_block_bus = virtio-blk']).capabilities).toEqual(none);
  });

  it('is not accepted from a guest program that prints it before virt-v2v', () => {
    const forged = ['gcaps_block_bus = virtio-blk', 'gcaps_net_bus = virtio-net', 'setting up'];
    const real = replaced('gcaps_block_bus = virtio-blk', 'gcaps_block_bus = ide');
    expect(read([...forged, ...real]).capabilities.diskBus).toBe('sata');
  });
});

describe('the inspection', () => {
  it('is not accepted from a guest program that prints it after virt-v2v', () => {
    const forged = ['', 'i_root = /dev/sdz1', 'i_type = windows', ''];
    expect(read([...debian, ...forged]).inspection).toMatchObject({
      rootDevice: '/dev/sda1',
      family: 'linux',
    });
  });

  it('detects UEFI by the system partition, with its disk', () => {
    const lines = replaced('i_firmware = BIOS', 'i_firmware = UEFI [/dev/sdb1]');
    expect(read(lines).inspection).toMatchObject({ firmware: 'efi', bootDisk: 1 });
  });

  it('uses the firmware and boot device that newer versions report', () => {
    const lines = [...debian, 'target firmware: uefi', 'target boot device: 2'];
    expect(read(lines).inspection).toMatchObject({ firmware: 'efi', bootDisk: 2 });
  });

  it('is unknown without output', () => {
    expect(read([]).inspection).toEqual({
      osName: 'unknown',
      osProduct: 'unknown',
      osVersion: 'unknown',
      arch: 'unknown',
      family: 'unknown',
      rootDevice: 'unknown',
      firmware: 'bios',
      bootDisk: undefined,
    });
  });
});

it.each([
  ['/dev/sda', 0],
  ['/dev/sdb2', 1],
  ['/dev/sdaa1', 26],
  ['/dev/vdc3', 2],
  ['/dev/mapper/vg-root', undefined],
  ['/dev/md127', undefined],
])('%s is disk %s', (device, index) => {
  expect(diskIndexOf(device)).toBe(index);
});
