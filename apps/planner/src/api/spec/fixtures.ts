import type { Inventory, SourceVm } from '@ledgerlift/contracts';

export const webVm: SourceVm = {
  id: 'web.ova#web',
  name: 'web',
  path: '/ovas/web.ova',
  powerState: 'off',
  cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
  memory: { bytes: 2 ** 30, hotAdd: false },
  firmware: 'bios',
  secureBoot: false,
  tpm: false,
  os: { id: 'debian12_64Guest', description: 'Debian', family: 'linux' },
  disks: [
    {
      id: 'disk-0',
      name: 'web-disk1.vmdk',
      capacityBytes: 2 ** 20,
      storage: 'ova',
      bus: 'scsi',
      controller: 0,
      unit: 0,
      shared: false,
      backing: {
        kind: 'ova',
        format: 'vmdk',
        parts: [{ file: '/ovas/web.ova', offset: 1024, length: 4096 }],
        compression: 'none',
      },
    },
  ],
  nics: [
    { id: 'nic-0', name: 'Network adapter 1', network: 'VM Network', model: 'vmxnet3', kind: 'ethernet' },
  ],
  exportedBy: 'VMware',
  fingerprint: 'f1',
  concerns: [],
};

export const inventoryOf = (...vms: readonly SourceVm[]): Inventory => ({
  takenAt: '2026-11-23T12:00:00.000Z',
  vms: [...vms],
  networks: [{ id: 'VM Network', name: 'VM Network', description: '' }],
  storages: [{ id: 'ova', name: 'ova' }],
  problems: [],
});

export const sourceSpec = { name: 'files', type: 'ova', settings: { path: '/ovas' } };
export const networkSpec = {
  kind: 'network',
  name: 'nets',
  source: 'files',
  target: 'out',
  pairs: [{ source: 'VM Network', destination: { type: 'pod' } }],
};
export const storageSpec = {
  kind: 'storage',
  name: 'disks',
  source: 'files',
  target: 'out',
  pairs: [{ source: 'ova', destination: { storageClass: 'default' } }],
};
export const planSpec = {
  name: 'first-wave',
  source: 'files',
  target: 'out',
  networkMapping: 'nets',
  storageMapping: 'disks',
  vms: [{ ref: 'web' }],
};
