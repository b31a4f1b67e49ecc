import type { StepHandler } from '@ledgerlift/messaging';
import { sourceOf } from './source.js';

/** Sees the source off: from now on its disks stand for one moment. */
export const sourcePowerOff: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'seeing the source powered off');
  return { step: 'SourcePowerOff', ...(await provider.powerOff(spec, vm)) };
};
