import { ToolFailed } from '@ledgerlift/targets';
import type { StepHandler } from '@ledgerlift/worker';
import { endBoots } from '../boot-proof/processes.js';
import { QemuMissing, TargetHeld } from '../errors.js';
import { targetVmOf } from './findings.js';
import { workplaceOf } from './target.js';

/**
 * Sees the target stopped and unable to start, so that the source may be powered on: first the VM is halted, then what we
 * started on its disks is ended, then nobody is seen to hold them. What is so already stays so. The libvirt domain needs
 * no change: it starts only when somebody starts it.
 *
 * @throws TargetHeld where something that is not ours holds a disk, as when the target was started by hand
 */
export const targetPowerOff: StepHandler = async (attempt) => {
  const { job, signal } = attempt;
  await using place = await workplaceOf(attempt);
  if (await place.vm.isCreated())
    await place.vm.setRunStrategy({ ...targetVmOf(job), runStrategy: 'Halted' });
  signal.throwIfAborted();
  await endBoots(job.record);
  const holder = await place.vm.holder().catch((error: unknown) => {
    throw error instanceof ToolFailed ? new QemuMissing(error.tool) : error;
  });
  if (holder !== undefined) throw new TargetHeld(holder.path, holder.who);
  return { step: 'TargetPowerOff' };
};
