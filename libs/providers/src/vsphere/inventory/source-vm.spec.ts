import { describe, expect, it } from '@jest/globals';
import { devices, disk, foundWith, text } from '../concerns/spec/raw-vm.js';

describe('a VM of a vCenter', () => {
  it('may run VMs itself where its settings say so', () => {
    expect(foundWith({ vm: { 'config.nestedHVEnabled': text('true') } }).cpu.nested).toBe(true);
    expect(foundWith({ vm: { 'config.nestedHVEnabled': text('false') } }).cpu).not.toHaveProperty('nested');
    expect(foundWith({}).cpu).not.toHaveProperty('nested');
  });

  it('has sectors of 4096 bytes on native 4K disks alone', () => {
    const formats = ['native_4k', 'emulated_512', 'native_512', undefined];
    const disks = formats.map((format, unit) =>
      disk({ key: 2000 + unit, unit, ...(format === undefined ? {} : { format }) }),
    );
    const found = foundWith({ vm: { 'config.hardware.device': devices(...disks) } });
    expect(found.disks.map(({ sectorBytes }) => sectorBytes)).toEqual([
      4096,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
