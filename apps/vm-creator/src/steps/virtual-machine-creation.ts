import type { StepHandler } from '@ledgerlift/messaging';
import {
  diskPathsOf,
  layoutOf,
  libvirtDomain,
  openSubfolderOf,
  pvcManifest,
  virtualMachineManifest,
  writeFileAtomic,
} from '@ledgerlift/targets';
import { targetVmOf } from './findings.js';

/** Writes the manifests and the domain. Writing them again gives the same files, so it is simply done again. */
export const virtualMachineCreation: StepHandler = async ({ job, signal }) => {
  const { record } = job;
  const vm = targetVmOf(job);
  const names = layoutOf(record);
  const files: (readonly [name: string, content: string])[] = [
    ...names.disks.flatMap(({ pvcManifest: name }, index) => {
      const disk = vm.disks[index];
      return disk === undefined ? [] : [[name, pvcManifest(vm, disk)] as const];
    }),
    [names.manifests.virtualMachine, virtualMachineManifest(vm)],
    [names.manifests.domain, libvirtDomain(vm, await diskPathsOf(record))],
  ];
  for (const [name, content] of files) {
    signal.throwIfAborted();
    await writeFileAtomic(await openSubfolderOf(record, name), content);
  }
  return { step: 'VirtualMachineCreation', files: files.map(([name]) => name) };
};
