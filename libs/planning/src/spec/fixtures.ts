import type { Inventory, SourceVm } from '@ledgerlift/contracts';
import { sourceDisk, sourceVm } from '@ledgerlift/testing';

export const webVm: SourceVm = sourceVm({
  id: 'web.ova#web',
  disks: [sourceDisk(0, { capacityBytes: 2 ** 20 })],
  // Without a MAC, so that VMs made from it do not share one.
  nics: [
    { id: 'nic-0', name: 'Network adapter 1', network: 'VM Network', model: 'vmxnet3', kind: 'ethernet' },
  ],
});

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
