import { describe, expect, it } from '@jest/globals';
import type { DirectorySettings } from '@ledgerlift/contracts';
import { sourceDisk, sourceVm } from '@ledgerlift/testing';
import { overlayRoom, roomBeside, type RoomRequest } from '../files/overlays.js';
import type { NetworkPair, PlanAtTarget, StoragePair, VmAtTarget } from '../plan.js';
import { planAtTarget, vmAtTarget } from '../spec/plan-at-target.js';
import { conditions } from './conditions.js';

const settings: DirectorySettings = {
  path: '/out',
  diskFormat: 'raw',
  networks: [
    { name: 'pod', type: 'pod', nicKinds: ['ethernet'] },
    { name: 'vlan10', type: 'multus', namespace: 'nets', nicKinds: ['ethernet'] },
    { name: 'fast', type: 'multus', nicKinds: ['sriov'] },
  ],
  storages: [{ name: 'ceph', accessModes: ['ReadWriteOnce'], volumeModes: ['Block'] }],
};
const nothing = { freeBytes: undefined, taken: new Map(), adopted: new Map() };
const plan = (change: Partial<PlanAtTarget>): PlanAtTarget =>
  planAtTarget(change, { targetNamespace: 'nets' });

describe('a network', () => {
  const judged = (
    destination: NetworkPair['destination'],
    ...kinds: VmAtTarget['vm']['nics'][number]['kind'][]
  ) => {
    const pair = { source: 'VM Network', destination };
    const vm = sourceVm();
    const [nic] = vm.nics;
    if (nic === undefined) throw new Error('the fixture has a NIC');
    const vms = kinds.map((kind, index) =>
      vmAtTarget({
        vm: { ...vm, id: `vm-${index}`, nics: [{ ...nic, kind }] },
        targetName: `web-${index}`,
        networkOf: [pair],
      }),
    );
    return conditions({ settings }, plan({ networks: [pair], vms }), nothing);
  };
  const reasons = (...of: Parameters<typeof judged>) =>
    judged(...of).map(({ category, type, reason }) => `${category} ${type} ${reason}`);

  it.each<[string, NetworkPair['destination']]>([
    ['the pod network', { type: 'pod' }],
    ['one of its namespace', { type: 'multus', name: 'vlan10', namespace: 'nets' }],
    ["one of the plan's namespace", { type: 'multus', name: 'vlan10' }],
    ['none', { type: 'ignored' }],
  ])('that is %s is taken', (_, destination) => expect(reasons(destination, 'ethernet')).toEqual([]));

  it('that the target has not is refused', () => {
    expect(reasons({ type: 'multus', name: 'vlan11' })).toEqual([
      'Critical DestinationNetworkNotValid NotFound',
    ]);
    expect(reasons({ type: 'multus', name: 'vlan10', namespace: 'other' })).toHaveLength(1);
    const [found] = judged({ type: 'multus', name: 'x' });
    expect(found?.message).toContain(
      "'VM Network' is mapped to multus nets/x, which 'out' does not have; correct the pair",
    );
    expect(found?.items).toEqual(['multus nets/x']);
  });

  it('that cannot take the kind of NIC is refused', () => {
    expect(reasons({ type: 'pod' }, 'ethernet', 'sriov')).toEqual([
      'Critical VMNicKindNotSupported KindNotAllowed',
    ]);
    expect(reasons({ type: 'multus', name: 'fast' }, 'sriov')).toEqual([]);
  });
});

describe('a storage', () => {
  const reasons = (over: Partial<StoragePair['destination']>) =>
    conditions(
      { settings },
      plan({
        storages: [
          {
            source: 'ova',
            destination: { storageClass: 'ceph', accessMode: 'ReadWriteOnce', volumeMode: 'Block', ...over },
          },
        ],
      }),
      nothing,
    ).map(({ reason }) => reason);

  it('that is there and offers the modes is taken', () => expect(reasons({})).toEqual([]));
  it('that is not there is refused', () => expect(reasons({ storageClass: 'nfs' })).toEqual(['NotFound']));
  it.each([
    ['AccessModeNotOffered', { accessMode: 'ReadWriteMany' }],
    ['VolumeModeNotOffered', { volumeMode: 'Filesystem' }],
  ] as const)('that does not offer the modes is refused: %s', (reason, over) =>
    expect(reasons(over)).toEqual([reason]),
  );
});

describe('room', () => {
  const MiB = 2 ** 20;
  const disk = (size: number, unpacked: 'unpacked' | 'read-in-place' = 'read-in-place') => ({
    size,
    unpacked,
  });
  /** With the disks themselves, which may fill up. */
  const roomNeeded = (request: RoomRequest) =>
    request.disks.reduce((sum, { size }) => sum + size, 0) + roomBeside(request);

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

  it('must be there for all VMs together', () => {
    const vmOf = (id: string, capacityBytes: number): VmAtTarget =>
      vmAtTarget({
        vm: sourceVm({ id, nics: [], disks: [sourceDisk(0, { capacityBytes })] }),
        targetName: id,
      });
    const found = (...vms: VmAtTarget[]) =>
      conditions({ settings }, plan({ vms }), { ...nothing, freeBytes: 2 ** 40 });
    expect(found(vmOf('a', 512), vmOf('b', 512))).toEqual([]);
    expect(found(vmOf('a', 512), vmOf('b', 2 ** 50))).toMatchObject([
      { category: 'Critical', type: 'TargetNotEnoughRoom', items: ['out'] },
    ]);
  });
});
