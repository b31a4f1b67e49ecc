import { SourceRanMeanwhile, type StepHandler } from '@ledgerlift/worker';
import {
  NoSourceProvider,
  ResultMissing,
  SourceMomentUnknown,
  SourceNotAsked,
  SourceNotSeenOff,
} from '../errors.js';
import { resultOf, targetVmOf } from './findings.js';
import type { AskSource } from './source-now.js';
import { workplaceOf } from './target.js';

/**
 * Lets the target go only when the source is seen off, at the moment that was copied. What the VM is to do is
 * told to the target now, and not before.
 *
 * @throws SourceRanMeanwhile where it runs, or has run since its power-off
 */
export function finalPowerActions(askSource: AskSource): StepHandler {
  return async (attempt) => {
    const { job, signal } = attempt;
    const { name } = job.record.source.vm;
    const off = resultOf(job, 'SourcePowerOff');
    if (off === undefined) throw new ResultMissing('SourcePowerOff');
    // An error before the target is let go says so: then a retry may still copy anew.
    const { powerState, momentId } = await askSource(job).catch((error: unknown) => {
      throw error instanceof NoSourceProvider ? error : new SourceNotAsked(name, error);
    });
    signal.throwIfAborted();
    if (powerState === 'unknown') throw new SourceNotSeenOff(name);
    if (powerState !== 'off') throw new SourceRanMeanwhile(name, `it is ${powerState} now`);
    if (momentId === undefined) throw new SourceMomentUnknown(name);
    if (momentId !== off.momentId)
      throw new SourceRanMeanwhile(
        name,
        `its disks stand for ${momentId} now, and for ${off.momentId} when they were copied`,
      );
    const vm = targetVmOf(job);
    await using place = await workplaceOf(attempt);
    const target = await place.vm.setRunStrategy(vm);
    return { step: 'FinalPowerActions', sourcePowerState: powerState, target };
  };
}
