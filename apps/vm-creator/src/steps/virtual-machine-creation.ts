import type { StepHandler } from '@ledgerlift/worker';
import { targetVmOf } from './findings.js';
import { workplaceOf } from './target.js';

/**
 * Makes the VM of its disks. Making it again gives the same, so it is simply done again. The VM is halted whatever was
 * asked for: it may start once its source was seen off, in `FinalPowerActions`.
 */
export const virtualMachineCreation: StepHandler = async (attempt) => {
  const vm = targetVmOf(attempt.job);
  await using place = await workplaceOf(attempt);
  return { step: 'VirtualMachineCreation', files: [...(await place.vm.create(vm))] };
};
