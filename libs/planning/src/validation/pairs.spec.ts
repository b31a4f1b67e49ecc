import { describe, expect, it } from '@jest/globals';
import type { SourceDisk, SourceNic } from '@ledgerlift/contracts';
import { webVm } from '../spec/fixtures.js';
import { type NetworkPair, type StoragePair, pairOfDisk, pairOfNic } from './pairs.js';

const [nicOne] = webVm.nics;
const [diskOne] = webVm.disks;
function fail(): never {
  throw new Error('the fixture has a disk and a NIC');
}
const nic = (network: string, networkId?: string): SourceNic => ({
  ...(nicOne ?? fail()),
  network,
  ...(networkId === undefined ? {} : { networkId }),
});
const disk = (storage: string, storageId: string): SourceDisk => ({
  ...(diskOne ?? fail()),
  storage,
  storageId,
});
const to = (source: string, name: string): NetworkPair => ({ source, destination: { type: 'multus', name } });
const on = (source: string, storageClass: string): StoragePair => ({
  source,
  destination: { storageClass, accessMode: 'ReadWriteOnce', volumeMode: 'Filesystem' },
});
const networks = [
  { id: 'dvportgroup-12', name: 'in', description: '' },
  { id: 'dvportgroup-77', name: 'in', description: '' },
  { id: 'network-7', name: '10.1.2.0/24', description: '' },
];
const storages = [
  { id: 'datastore-1', name: 'san [old]' },
  { id: 'datastore-2', name: 'san [old]' },
];
const sourceOf = (pairs: readonly NetworkPair[], of: SourceNic): string | undefined =>
  pairOfNic(of, pairs, { networks })?.source;

describe('the pair of a NIC', () => {
  it('is that of its network, not of another network with the same name', () => {
    const pairs = [to('dvportgroup-12', 'lan'), to('dvportgroup-77', 'backup')];
    expect(sourceOf(pairs, nic('in', 'dvportgroup-12'))).toBe('dvportgroup-12');
    expect(sourceOf(pairs, nic('in', 'dvportgroup-77'))).toBe('dvportgroup-77');
    expect(sourceOf([to('dvportgroup-12', 'lan')], nic('in', 'dvportgroup-77'))).toBeUndefined();
  });

  it('may name the network by its id or by its name', () => {
    for (const source of ['network-7', '10.1.2.0/24'])
      expect(sourceOf([to(source, 'lan')], nic('10.1.2.0/24', 'network-7'))).toBe(source);
    expect(sourceOf([to('10.1.3.0/24', 'lan')], nic('10.1.2.0/24', 'network-7'))).toBeUndefined();
  });

  it('is found by name for a source or a record without ids', () => {
    for (const called of ['network-7', '10.1.2.0/24'])
      expect(sourceOf([to('network-7', 'lan')], nic(called))).toBe('network-7');
  });
});

describe('the pair of a disk', () => {
  it('is that of its storage, not of another storage with the same name', () => {
    const pairs = [on('datastore-2', 'slow'), on('datastore-1', 'fast')];
    expect(pairOfDisk(disk('san [old]', 'datastore-1'), pairs, { storages })?.source).toBe('datastore-1');
    expect(pairOfDisk(disk('san [old]', 'datastore-3'), pairs, { storages: [] })).toBeUndefined();
  });
});
