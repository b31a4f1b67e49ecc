import type { StepHandler } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import { convertInOverlays, enterWorkplace, leaveWorkplace } from './convert-guest.js';

/**
 * Converts the guest in overlays over all its disks; bases are never written. Always starts over: if the source ran
 * after an earlier conversion, the disks have changed.
 */
export function imageConversion(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    await using place = await enterWorkplace(attempt, settings, 'migration');
    // With the marker of an earlier conversion, the commit would skip this one.
    await place.at.forgetCommit();
    const converted = await convertInOverlays(attempt, place, settings);
    await leaveWorkplace(attempt, place);
    return { step: 'ImageConversion', ...converted };
  };
}

/**
 * Tries the cutover's conversion in advance, in its own overlays, which are booted and then discarded. They are never
 * committed, because the disks remain the base of the next delta. With `skipGuestConversion` the overlays stay empty.
 */
export function testConversion(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    await using place = await enterWorkplace(attempt, settings, 'test');
    if (attempt.job.record.settings.skipGuestConversion) {
      await place.at.make();
      await leaveWorkplace(attempt, place);
      return { step: 'TestConversion', overlays: place.overlays.map(({ name }) => name), log: '' };
    }
    const converted = await convertInOverlays(attempt, place, settings);
    await leaveWorkplace(attempt, place);
    return { step: 'TestConversion', ...converted };
  };
}
