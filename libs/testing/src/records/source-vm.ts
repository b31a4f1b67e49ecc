import type { SourceDisk, SourceVm } from '@ledgerlift/contracts';

const GiB = 2 ** 30;

/** Disk number `index` of an OVA: a VMDK on the SCSI bus, of as many GiB as its number, counted from one. */
export const sourceDisk = (index: number, overrides: Partial<SourceDisk> = {}): SourceDisk => ({
  id: `disk-${index}`,
  name: `web-disk${index + 1}.vmdk`,
  capacityBytes: GiB * (index + 1),
  storage: 'ova',
  bus: 'scsi',
  controller: 0,
  unit: index,
  shared: false,
  backing: {
    kind: 'ova',
    format: 'vmdk',
    parts: [{ file: 'web.ova', offset: 0, length: 1 }],
    compression: 'none',
  },
  ...overrides,
});

export interface SourceVmOptions extends Omit<Partial<SourceVm>, 'disks'> {
  /** How many, or which. */
  readonly disks?: number | readonly SourceDisk[];
}

/** A VM as the inventory of an OVA provider has it: sound, powered off, one disk, one NIC. */
export function sourceVm({ disks = 1, ...overrides }: SourceVmOptions = {}): SourceVm {
  return {
    id: 'vm-1',
    name: 'web',
    path: '/ovas/web.ova',
    powerState: 'off',
    cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
    memory: { bytes: GiB, hotAdd: false },
    firmware: 'bios',
    secureBoot: false,
    tpm: false,
    os: { id: 'debian12_64Guest', description: 'Debian', family: 'linux' },
    disks:
      typeof disks === 'number' ? Array.from({ length: disks }, (_, index) => sourceDisk(index)) : [...disks],
    nics: [
      {
        id: 'nic-0',
        name: 'Network adapter 1',
        network: 'VM Network',
        mac: '00:50:56:aa:bb:cc',
        model: 'vmxnet3',
        kind: 'ethernet',
      },
    ],
    exportedBy: 'VMware',
    fingerprint: 'f1',
    concerns: [],
    ...overrides,
  };
}
