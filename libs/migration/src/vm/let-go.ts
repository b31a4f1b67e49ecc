import type { StepError, StepName } from '@ledgerlift/contracts';
import type { TargetStart } from './policies.js';
import { isTargetDeleted, type VmLive } from './state.js';

/** Once a target was allowed to start, nothing of ours writes to its disks again. */

/** Whether the target was ever allowed to start: its start was claimed by a worker and may have had its effect. */
export function targetStarts({ attempts }: VmLive): TargetStart {
  // In logs of older versions, a later round may have overwritten the disks.
  const written = attempts.findLastIndex(
    ({ step, startedAt }) => step === 'DiskTransfer' && startedAt !== undefined,
  );
  const isAllowed = attempts
    .slice(written + 1)
    .some(
      ({ step, startedAt, hadNoEffect }) =>
        step === 'FinalPowerActions' && startedAt !== undefined && !hadNoEffect,
    );
  return isAllowed ? 'allowed' : 'never';
}

/** Whether the VM has a target that was allowed to start and was not deleted since. */
export const hasTargetLetGo = (state: VmLive): boolean =>
  targetStarts(state) === 'allowed' && !isTargetDeleted(state);

/** Steps that write to the target's disks, recreate them, or change the VM that starts from them. */
const rewrites: ReadonlySet<StepName> = new Set([
  'DiskAllocation',
  'DiskTransfer',
  'ImageConversion',
  'ImageCommit',
  'VirtualMachineCreation',
]);

/** Whether the steps that remain would overwrite a target that was allowed to start. */
export const wouldOverwriteTarget = (state: VmLive): boolean =>
  targetStarts(state) === 'allowed' && state.itinerary.slice(state.at).some(({ step }) => rewrites.has(step));

export const targetWasLetGo =
  'the target was allowed to start, so its disks may hold data that exists nowhere else, and continuing would overwrite them. ' +
  'Go back to the source with rollback, or remove the target with delete-target, then start the plan again';

export const targetWasLetGoError: StepError = {
  code: 'LL-MIG-012',
  class: 'permanent',
  message: targetWasLetGo,
};
