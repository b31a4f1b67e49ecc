import { describe, expect, it } from '@jest/globals';
import type { NetworkUse, StorageUse, TargetSettings } from '../port.js';
import { checkNetworks, checkStorages } from './mapping-checks.js';
import { overlayRoom, roomNeeded } from './room.js';

const settings: TargetSettings = {
  path: '/out',
  diskFormat: 'raw',
  networks: [
    { name: 'pod', type: 'pod', nicKinds: ['ethernet'] },
    { name: 'vlan10', type: 'multus', namespace: 'nets', nicKinds: ['ethernet'] },
    { name: 'fast', type: 'multus', nicKinds: ['sriov'] },
  ],
  storages: [{ name: 'ceph', accessModes: ['ReadWriteOnce'], volumeModes: ['Block'] }],
};

describe('a network', () => {
  const reasons = (destination: NetworkUse['destination'], ...nicKinds: NetworkUse['nicKinds']) =>
    checkNetworks(settings, [{ source: 'VM Network', destination, nicKinds }]).map(
      ({ category, type, reason }) => `${category} ${type} ${reason}`,
    );

  it.each<[string, NetworkUse['destination']]>([
    ['the pod network', { type: 'pod' }],
    ['one of its namespace', { type: 'multus', name: 'vlan10', namespace: 'nets' }],
    ['one whose namespace is not said', { type: 'multus', name: 'vlan10' }],
    ['none', { type: 'ignored' }],
  ])('that is %s is taken', (_, destination) => expect(reasons(destination, 'ethernet')).toEqual([]));

  it('that the target has not is refused, with what it has', () => {
    expect(reasons({ type: 'multus', name: 'vlan11' })).toEqual([
      'Critical DestinationNetworkNotValid NotFound',
    ]);
    expect(reasons({ type: 'multus', name: 'vlan10', namespace: 'other' })).toHaveLength(1);
    const use: NetworkUse = { source: 'a', destination: { type: 'multus', name: 'x' }, nicKinds: [] };
    expect(checkNetworks(settings, [use])[0]).toMatchObject({
      message: 'The target has not the network "x", which "a" is mapped to. It has: pod, nets/vlan10, fast.',
      items: ['a'],
    });
  });

  it('that cannot take the kind of NIC is refused', () => {
    expect(reasons({ type: 'pod' }, 'ethernet', 'sriov')).toEqual([
      'Critical DestinationNetworkNotValid NicKindNotAllowed',
    ]);
    expect(reasons({ type: 'multus', name: 'fast' }, 'sriov')).toEqual([]);
  });
});

describe('a storage', () => {
  const reasons = (over: Partial<StorageUse['destination']>) =>
    checkStorages(settings, [
      {
        source: 'ova',
        destination: { storageClass: 'ceph', accessMode: 'ReadWriteOnce', volumeMode: 'Block', ...over },
      },
    ]).map(({ reason }) => reason);

  it('that is there and offers the modes is taken', () => expect(reasons({})).toEqual([]));
  it('that is not there is refused', () => expect(reasons({ storageClass: 'nfs' })).toEqual(['NotFound']));
  it('that does not offer the modes is refused for each', () =>
    expect(reasons({ accessMode: 'ReadWriteMany', volumeMode: 'Filesystem' })).toEqual([
      'AccessModeNotOffered',
      'VolumeModeNotOffered',
    ]));
});

describe('room', () => {
  const MiB = 2 ** 20;
  const disk = (size: number, unpacked: 'unpacked' | 'read-in-place' = 'read-in-place') => ({
    size,
    unpacked,
  });

  it('is needed for disks, unpacking and overlays', () => {
    expect(roomNeeded({ disks: [disk(100 * MiB)], conversion: 'left-as-is' })).toBe(116 * MiB);
    expect(roomNeeded({ disks: [disk(100 * MiB)], conversion: 'converted' })).toBe(216 * MiB);
    expect(roomNeeded({ disks: [disk(100 * MiB, 'unpacked')], conversion: 'left-as-is' })).toBe(216 * MiB);
    expect(roomNeeded({ disks: [disk(9000 * MiB)], conversion: 'converted' })).toBe(10_040 * MiB);
  });

  it('for overlays is no more than small disks hold, and does not grow with large ones', () => {
    expect(overlayRoom([disk(100 * MiB), disk(20 * MiB)])).toBe(136 * MiB);
    expect(overlayRoom([disk(40 * 1024 * MiB), disk(4096 * 1024 * MiB)])).toBe(1040 * MiB);
  });

  it('for a VM is its disks and exactly what its conversion asks for', () => {
    for (const size of [0, 1, MiB, 2 ** 30, 2 ** 42])
      expect(roomNeeded({ disks: [disk(size)], conversion: 'converted' }) - size).toBe(
        overlayRoom([disk(size)]),
      );
  });
});
