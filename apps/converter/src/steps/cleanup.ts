import type { StepHandler } from '@ledgerlift/worker';
import { inReleaseOrder, release } from '@ledgerlift/targets';
import type { ConverterSettings } from '../config.js';
import { endEarlier, stillOurs, workplaceOf } from './workplace.js';

/** Removes what the log says is ours to remove, and nothing else, once nothing of ours works on the disks any more. */
export function cleanup(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    const { record } = attempt.job;
    await endEarlier(await workplaceOf(attempt, settings.scratch), attempt.signal);
    for (const resource of inReleaseOrder(
      attempt.job.release.filter(({ service }) => service === 'converter'),
    )) {
      await stillOurs(attempt.signal);
      await attempt.released([{ resource, how: await release(record, resource) }]);
    }
    return { step: 'Cleanup' };
  };
}
