import type { StepHandler } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import { convertInOverlays, enterWorkplace, leaveWorkplace } from './convert-guest.js';

/**
 * The conversion that the cutover will do, tried beforehand: in overlays of its own, which are booted and then thrown
 * away. The disks go on as the base of the next delta, so nothing of this is ever committed. Where the plan leaves the
 * guest as it is, so are the overlays.
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
