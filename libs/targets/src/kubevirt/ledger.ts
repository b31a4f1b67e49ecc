import { type Resource, StepName, type VmRecord } from '@ledgerlift/contracts';
import { claimsFor as claimsOfFiles } from '../files/claims.js';
import { podName, scratchName } from './pod/names.js';

/** Kinds of resources that workers create on the scratch claim. */
export const ON_SCRATCH: ReadonlySet<Resource['kind']> = new Set([
  'chunk-manifest',
  'commit-marker',
  'log',
  'overlay',
  'unpacked-disk',
  'writer-record',
]);

/**
 * Lists the resources that each step of a migration into a cluster claims before creating anything. Files on the scratch claim are
 * claimed and released with it, except logs, which outlive it. Pure.
 */
export function claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>> {
  const { settings, folder, disks, targetNamespace } = record;
  const named = (name: string): string => `${targetNamespace}/${name}`;
  const ofFiles = claimsOfFiles(record);
  const logs = (step: StepName): readonly Resource[] =>
    ofFiles[step]
      .filter(({ kind }) => kind === 'log')
      // The pod's worker cannot reach the API server, so the vm-creator keeps and removes the log.
      .map((log) => ({ ...log, service: 'vm-creator' }));
  return {
    ...(Object.fromEntries(StepName.options.map((step) => [step, logs(step)])) as Record<
      StepName,
      readonly Resource[]
    >),
    SnapshotCreation: ofFiles.SnapshotCreation,
    DiskAllocation: [
      // Disks that the user brought are only adopted, never ours to remove.
      ...(settings.type === 'conversion'
        ? []
        : disks.map(({ name }): Resource => ({
            kind: 'disk',
            name,
            service: 'transfer',
            lifetime: 'result',
          }))),
      // A commit can only be repeated from the converted overlays.
      { kind: 'scratch', name: named(scratchName(record)), service: 'vm-creator', lifetime: 'resume' },
      { kind: 'credential', name: named(podName(record)), service: 'vm-creator', lifetime: 'temporary' },
      { kind: 'worker-pod', name: named(podName(record)), service: 'vm-creator', lifetime: 'temporary' },
    ],
    VirtualMachineCreation: [
      { kind: 'virtual-machine', name: folder, service: 'vm-creator', lifetime: 'result' },
    ],
  };
}
