import type { Job, SourceVm } from '@ledgerlift/contracts';
import type { StepHandler } from '@ledgerlift/messaging';
import { ResultMissing, SourceIsOn } from '../errors.js';
import { resultOf, targetVmOf } from './findings.js';

/** Asks how the source is now. */
export type SourcePowerOf = (job: Job, signal: AbortSignal) => Promise<SourceVm['powerState']>;

/**
 * Lets the target go only when the source is seen off. A directory runs nothing: what the VM is to do once it is
 * applied to a cluster stands in its manifest.
 */
export function finalPowerActions(sourcePowerOf: SourcePowerOf): StepHandler {
  return async ({ job, signal }) => {
    if (resultOf(job, 'SourcePowerOff') === undefined) throw new ResultMissing('SourcePowerOff');
    const sourcePowerState = await sourcePowerOf(job, signal);
    signal.throwIfAborted();
    if (sourcePowerState !== 'off') throw new SourceIsOn(job.record.source.vm.name, sourcePowerState);
    const { runStrategy } = targetVmOf(job);
    return { step: 'FinalPowerActions', sourcePowerState, target: `halted (runStrategy ${runStrategy})` };
  };
}
