import { describe, expect, it } from '@jest/globals';
import type { SourceDisk } from '@ledgerlift/contracts';
import { deviceFor } from './export.js';
import type { DeviceUrl } from './lease.js';

const device = (key: string): DeviceUrl => ({ key, importKey: key, targetId: '', url: key, thumbprint: '' });
const disk = (id: string, bus: SourceDisk['bus'], controller: number, unit: number): SourceDisk => ({
  id,
  name: id,
  capacityBytes: Number(id),
  storage: '',
  bus,
  controller,
  unit,
  shared: false,
  backing: { kind: 'extension', data: {} },
});
const found = (keys: readonly string[], disks: readonly SourceDisk[]) =>
  disks.map((each) => deviceFor(keys.map(device), disks, each)?.key);

describe('the address of a disk in an export', () => {
  const disks = [disk('2001', 'scsi', 0, 1), disk('2000', 'scsi', 0, 0), disk('16000', 'sata', 1, 0)];

  it('is told by the place that its key names', () => {
    const keys = [
      '/vm-1/VirtualAHCIController1:0',
      '/vm-1/ParaVirtualSCSIController0:0',
      '/vm-1/ParaVirtualSCSIController0:1',
    ];
    expect(found(keys, disks)).toEqual([keys[2], keys[1], keys[0]]);
  });

  it('is told by the order of devices where keys name no places', () => {
    expect(found(['a', 'b', 'c'], disks)).toEqual(['b', 'a', 'c']);
    // Keys that fit some disks by chance are no names.
    expect(found(['/vm-1/X0:0', '/vm-1/X0:1', '/vm-1/X0:2'], disks)).toEqual([
      '/vm-1/X0:1',
      '/vm-1/X0:0',
      '/vm-1/X0:2',
    ]);
  });

  it('is none where it is not told', () => {
    const alike = disks.map((each) => ({ ...each, capacityBytes: 1 }));
    expect(found(['a', 'b', 'c'], alike)).toEqual([undefined, undefined, undefined]);
    expect(found(['/vm-1/ParaVirtualSCSIController0:1'], disks)).toEqual([
      '/vm-1/ParaVirtualSCSIController0:1',
      undefined,
      undefined,
    ]);
  });
});
