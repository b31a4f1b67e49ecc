import type { StepHandler } from '@ledgerlift/worker';
import { inReleaseOrder } from '@ledgerlift/targets';
import type { ConverterSettings } from '../config.js';
import { endEarlier, workplaceOf } from './workplace.js';

/** Removes exactly the resources that the log releases, after our processes on the disks have ended. */
export function cleanup(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    await using place = await workplaceOf(attempt, settings.scratch);
    await endEarlier(place);
    for (const resource of inReleaseOrder(
      attempt.job.release.filter(({ service }) => service === 'converter'),
    )) {
      await attempt.released([{ resource, how: await place.target.release(resource) }]);
    }
    return { step: 'Cleanup' };
  };
}
