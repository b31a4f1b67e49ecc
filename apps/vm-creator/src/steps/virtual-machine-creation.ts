import type { StepHandler } from '@ledgerlift/worker';
import {
  diskPathsOf,
  layoutOf,
  libvirtDomain,
  openSubfolderOf,
  pvcManifest,
  writeFileAtomic,
} from '@ledgerlift/targets';
import { targetVmOf } from './findings.js';
import { writeVirtualMachine } from './virtual-machine.js';

/**
 * Writes the manifests and the domain. Writing them again gives the same files, so it is simply done again. The VM is
 * halted whatever was asked for: it may start once its source was seen off, in `FinalPowerActions`. A domain starts
 * only when somebody starts it, for libvirt keeps autostart outside of it.
 */
export const virtualMachineCreation: StepHandler = async ({ job, signal }) => {
  const { record } = job;
  const vm = targetVmOf(job);
  const names = layoutOf(record);
  const claims = names.disks.flatMap(({ pvcManifest: name }, index) => {
    const disk = vm.disks[index];
    return disk === undefined ? [] : [[name, pvcManifest(vm, disk)] as const];
  });
  for (const [name, content] of claims) {
    signal.throwIfAborted();
    await writeFileAtomic(await openSubfolderOf(record, name), content);
  }
  signal.throwIfAborted();
  await writeVirtualMachine(record, { ...vm, runStrategy: 'Halted' });
  const domain = libvirtDomain(vm, await diskPathsOf(record));
  signal.throwIfAborted();
  await writeFileAtomic(await openSubfolderOf(record, names.manifests.domain), domain);
  const { virtualMachine, domain: domainName } = names.manifests;
  return {
    step: 'VirtualMachineCreation',
    files: [...claims.map(([name]) => name), virtualMachine, domainName],
  };
};
