import type { StepError, StepName } from '@ledgerlift/contracts';
import type { TargetStart } from './policies.js';
import type { VmLive } from './state.js';

/** What a target that was allowed to start means for all that comes later: nothing of ours writes to its disks again. */

/** Whether the disks at the target are those of a target that was let go, or whose start was at least asked for. */
export function targetStarts({ attempts }: VmLive): TargetStart {
  // In logs of older versions a pass may have come later, and has written over them.
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

/** Whether the VM has a target that was allowed to start, and that nobody had deleted since. */
export const hasTargetLetGo = (state: VmLive): boolean =>
  targetStarts(state) === 'allowed' && !state.targetDeleted;

/** Steps that write to the target's disks, make them anew, or change what starts from them. */
const rewrites: ReadonlySet<StepName> = new Set([
  'DiskAllocation',
  'DiskTransfer',
  'ImageConversion',
  'ImageCommit',
  'VirtualMachineCreation',
]);

/** Whether going on from where the VM stands would write over a target that was let go. */
export const wouldOverwriteTarget = (state: VmLive): boolean =>
  targetStarts(state) === 'allowed' && state.itinerary.slice(state.at).some(({ step }) => rewrites.has(step));

/** What is wrong, and the ways out. */
export const targetWasLetGo =
  'the target was allowed to start, and may hold what is nowhere else; to go on would write over its disks. Go back to the ' +
  'source with rollback, or remove the target with delete-target, then start the plan again';

export const targetWasLetGoError: StepError = {
  code: 'LL-MIG-012',
  class: 'permanent',
  message: targetWasLetGo,
};
