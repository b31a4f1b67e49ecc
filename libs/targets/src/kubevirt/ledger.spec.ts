import { describe, expect, it } from '@jest/globals';
import type { Resource, VmRecord } from '@ledgerlift/contracts';
import { inReleaseOrder } from '../workplace.js';
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
  it('claims disks and all parts of the pod before creating any of them', () => {
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

  it('is released with the pod first, which has the rest mounted, and its credential next', () => {
    const claims = allocated(clusterRecord());
    for (const resources of [claims, claims.toReversed()]) {
      const [first, second, ...rest] = inReleaseOrder(resources);
      expect([first?.kind, second?.kind]).toEqual(['worker-pod', 'credential']);
      expect(rest).toEqual(resources.filter(({ kind }) => kind !== 'worker-pod' && kind !== 'credential'));
    }
  });

  it('has nothing that stands on the scratch claim, for it goes with it, but logs, which are kept beyond it', () => {
    for (const type of ['cold', 'warm', 'conversion'] as const) {
      const claims = claimsFor(clusterRecord({ settings: { type, bootProof: true } }));
      const making = Object.entries(claims).filter(([, of]) => of.some(({ kind }) => kind !== 'log'));
      expect(making.map(([step]) => step).toSorted()).toEqual([
        'DiskAllocation',
        ...(type === 'warm' ? ['SnapshotCreation'] : []),
        'VirtualMachineCreation',
      ]);
      const logs = Object.entries(claims).flatMap(([step, of]) =>
        of
          .filter(({ kind }) => kind === 'log')
          .map(({ name, service, lifetime }) => [step, name.split('/').at(-1), service, lifetime]),
      );
      // Whoever reaches the API server removes it, and not who wrote it.
      const log = (step: string, name: string): string[] => [step, name, 'vm-creator', 'evidence'];
      expect(logs.toSorted()).toEqual(
        [
          log('ImageConversion', 'virt-v2v.log'),
          log('BootProof', 'boot-proof.log'),
          ...(type === 'warm'
            ? [
                log('PreflightInspection', 'preflight-inspection.log'),
                log('TestConversion', 'test-virt-v2v.log'),
                log('TestBoot', 'test-boot.log'),
              ]
            : []),
        ].toSorted(),
      );
    }
  });
});
