import { describe, expect, it } from '@jest/globals';
import { vmRecord } from '@ledgerlift/testing';
import { RecordMismatch } from '../errors.js';
import { deviceName, sourceDomainXml } from './index.js';

describe('the source domain for virt-v2v', () => {
  it('has all disks in boot order on the bus of the source, and the firmware', () => {
    const xml = sourceDomainXml(vmRecord({ disks: 2, vm: { firmware: 'efi' } }), ['/o/0', '/o/1']);
    const sources = [...xml.matchAll(/<source file="([^"]+)"/g)].map(([, file]) => file);
    expect(sources).toEqual(['/o/0', '/o/1']);
    expect(xml).toContain('<os firmware="efi">');
    expect(xml).toContain('<target dev="sdb" bus="scsi"/>');
    expect(xml).toContain('<driver name="qemu" type="qcow2"/>');
    expect(xml).toContain('<model type="vmxnet3"/>');
  });

  it('is refused with a disk too few', () =>
    expect(() => sourceDomainXml(vmRecord({ disks: 2 }), ['/o/0'])).toThrow(RecordMismatch));

  it('names disks as Linux does', () =>
    expect([0, 25, 26, 51, 52, 701, 702].map((index) => deviceName(index))).toEqual([
      'sda',
      'sdz',
      'sdaa',
      'sdaz',
      'sdba',
      'sdzz',
      'sdaaa',
    ]));
});
