import { existsSync } from 'node:fs';
import type { StepHandler } from '@ledgerlift/worker';
import { diskPathsOf, layoutOf, resolveOwned } from '@ledgerlift/targets';
import { endBoots } from '../boot-proof/processes.js';
import { targetVmOf } from './findings.js';
import { seeReleased } from './disk-locks.js';
import { writeVirtualMachine } from './virtual-machine.js';

/**
 * Sees the target stopped and unable to start, so that the source may be powered on: first its manifest is halted, then
 * what we started on its disks is ended, then nobody is seen to hold them. What is so already stays so. The libvirt
 * domain needs no change: it starts only when somebody starts it.
 *
 * @throws TargetHeld where something that is not ours holds a disk, as when the target was started by hand
 */
export const targetPowerOff: StepHandler = async ({ job, signal }) => {
  const { record } = job;
  // Without a manifest there is nothing that could be applied.
  if (existsSync(await resolveOwned(record, layoutOf(record).manifests.virtualMachine)))
    await writeVirtualMachine(record, { ...targetVmOf(job), runStrategy: 'Halted' });
  signal.throwIfAborted();
  await endBoots(record);
  for (const path of await diskPathsOf(record)) await seeReleased(path, signal);
  return { step: 'TargetPowerOff' };
};
