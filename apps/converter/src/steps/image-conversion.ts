import type { StepHandler } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import { convertInOverlays, enterWorkplace, leaveWorkplace } from './convert-guest.js';

/**
 * Converts the guest in overlays over all of its disks; no base is written. It always begins anew: when the source ran
 * after an earlier conversion, the disks hold something else by now.
 */
export function imageConversion(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    await using place = await enterWorkplace(attempt, settings, 'migration');
    // A marker of an earlier conversion would let the commit of this one be skipped.
    await place.at.forgetCommit();
    const converted = await convertInOverlays(attempt, place, settings);
    await leaveWorkplace(attempt, place);
    return { step: 'ImageConversion', ...converted };
  };
}
