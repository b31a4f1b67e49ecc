import { type Resource, StepName, type VmRecord } from '@ledgerlift/contracts';
import { claimsFor as claimsOfFiles } from '../files/claims.js';
import { podName, scratchName } from './pod/names.js';

const nothing = Object.fromEntries(StepName.options.map((step) => [step, []])) as unknown as Readonly<
  Record<StepName, readonly Resource[]>
>;

/** What workers make beside the disks in their pod. */
export const ON_SCRATCH: ReadonlySet<Resource['kind']> = new Set([
  'chunk-manifest',
  'commit-marker',
  'log',
  'overlay',
  'unpacked-disk',
  'writer-record',
]);

/**
 * What each step of a migration into a cluster claims before it makes anything. What stands on the scratch claim goes with it, and is
 * claimed with it. Pure.
 */
export function claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>> {
  const { settings, folder, disks, targetNamespace } = record;
  const named = (name: string): string => `${targetNamespace}/${name}`;
  const snapshots = claimsOfFiles(record).SnapshotCreation;
  return {
    ...nothing,
    SnapshotCreation: snapshots,
    DiskAllocation: [
      // What the user brought is adopted by the step, and never ours to remove.
      ...(settings.type === 'conversion'
        ? []
        : disks.map(({ name }): Resource => ({
            kind: 'disk',
            name,
            service: 'transfer',
            lifetime: 'result',
          }))),
      // Overlays that were converted are all that a commit can be repeated from.
      { kind: 'scratch', name: named(scratchName(record)), service: 'vm-creator', lifetime: 'resume' },
      { kind: 'credential', name: named(podName(record)), service: 'vm-creator', lifetime: 'temporary' },
      { kind: 'worker-pod', name: named(podName(record)), service: 'vm-creator', lifetime: 'temporary' },
    ],
    VirtualMachineCreation: [
      { kind: 'virtual-machine', name: folder, service: 'vm-creator', lifetime: 'result' },
    ],
  };
}
