import { describe, expect, it } from '@jest/globals';
import { targetVm } from '@ledgerlift/targets';
import { type RecordOptions, vmOf } from '../spec/job.js';
import { type BootHost, qemuArguments } from './machine.js';

const host: BootHost = { accelerator: 'tcg', cpus: 1, memoryMiB: 512 };
const args = (options: Omit<RecordOptions, 'root'>, on: BootHost = host): string => {
  const record = vmOf({ root: '/out', ...options });
  const paths = record.disks.map((disk) => `/out/${disk.name}`);
  return qemuArguments(targetVm(record), paths, on).join(' ');
};

describe('the machine of a boot proof', () => {
  it('never writes a disk', () => {
    const drives = args({ disks: 3 }).match(/-drive \S+/g) ?? [];
    expect(drives).toHaveLength(3);
    expect(drives.every((drive) => drive.includes('snapshot=on'))).toBe(true);
  });

  it('reaches no network', () => expect(args({})).toContain('-netdev user,id=net-0,restrict=on'));

  it('has SATA and e1000e in compatibility mode, and more controllers for more disks', () => {
    const sata = args({ disks: 8 });
    expect(sata).toContain('-device ide-hd,bus=ide.5,drive=disk-5,bootindex=6');
    expect(sata).toContain('-device ahci,id=ahci1');
    expect(sata).toContain('-device ide-hd,bus=ahci1.1,drive=disk-7,bootindex=8');
    expect(sata).toContain('-device e1000e,netdev=net-0,romfile=,mac=00:50:56:aa:bb:cc');
    expect(sata).not.toContain('virtio');
  });

  it('has virtio devices if the model has', () => {
    const virtio = args({ settings: { useCompatibilityMode: false } });
    expect(virtio).toContain('-device virtio-blk-pci-non-transitional,drive=disk-0,bootindex=1');
    expect(virtio).toContain('-device virtio-net-pci-non-transitional,netdev=net-0');
    expect(virtio).toContain('-device virtio-rng-pci-non-transitional');
  });

  it('accepts paths with commas', () => {
    const [vm] = [targetVm(vmOf({ root: '/out' }))];
    expect(qemuArguments(vm, ['/o,ut/a,b.raw'], host)).toContainEqual(
      expect.stringMatching(/file=\/o,,ut\/a,,b\.raw$/),
    );
  });

  it('has UEFI with temporary variables', () => {
    const uefi = args({ firmware: 'efi' }, { ...host, firmware: { code: '/f/CODE.fd', vars: '/f/VARS.fd' } });
    expect(uefi).toContain('-drive if=pflash,unit=0,format=raw,readonly=on,file=/f/CODE.fd');
    expect(uefi).toContain('-drive if=pflash,unit=1,format=raw,snapshot=on,file=/f/VARS.fd');
  });
});
