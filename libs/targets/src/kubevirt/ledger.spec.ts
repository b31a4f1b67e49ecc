import { describe, expect, it } from '@jest/globals';
import type { Resource, VmRecord } from '@ledgerlift/contracts';
import { inReleaseOrder } from '../release-order.js';
import { claimsFor } from './ledger.js';
import { podName, scratchName } from './pod/names.js';
import { clusterRecord } from './pod/pod-record.fixture.js';

const allocated = (record: VmRecord): readonly Resource[] => claimsFor(record).DiskAllocation;
/** The pod, and what is made for it. */
const podOf = (record: VmRecord): readonly Resource[] => [
  { kind: 'scratch', name: `default/${scratchName(record)}`, service: 'vm-creator', lifetime: 'resume' },
  { kind: 'credential', name: `default/${podName(record)}`, service: 'vm-creator', lifetime: 'temporary' },
  { kind: 'worker-pod', name: `default/${podName(record)}`, service: 'vm-creator', lifetime: 'temporary' },
];

describe('what a migration into a cluster claims', () => {
  it('has disks and all that the pod is made of before any of it is made', () => {
    const record = clusterRecord({ settings: { type: 'cold' } });
    expect(allocated(record)).toEqual([
      { kind: 'disk', name: 'default/web-disk-0', service: 'transfer', lifetime: 'result' },
      { kind: 'disk', name: 'default/web-disk-1', service: 'transfer', lifetime: 'result' },
      ...podOf(record),
    ]);
  });

  it('has no disk that the user brought', () => {
    const record = clusterRecord({ settings: { type: 'conversion' } });
    expect(allocated(record)).toEqual(podOf(record));
  });

  it('is released with the pod first, which has the rest mounted', () => {
    const claims = allocated(clusterRecord());
    for (const resources of [claims, claims.toReversed()]) {
      const [first, ...rest] = inReleaseOrder(resources);
      expect(first?.kind).toBe('worker-pod');
      expect(rest).toEqual(resources.filter(({ kind }) => kind !== 'worker-pod'));
    }
  });

  it('has nothing that stands on the scratch claim: it goes with it', () => {
    for (const type of ['cold', 'warm', 'conversion'] as const) {
      const claims = claimsFor(clusterRecord({ settings: { type, bootProof: true } }));
      const making = Object.entries(claims).filter(([, of]) => of.length > 0);
      expect(making.map(([step]) => step).toSorted()).toEqual([
        'DiskAllocation',
        ...(type === 'warm' ? ['SnapshotCreation'] : []),
        'VirtualMachineCreation',
      ]);
    }
  });
});
