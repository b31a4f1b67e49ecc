import type { Patience } from '@ledgerlift/providers';
import { askUntil } from '@ledgerlift/providers';
import type { LabTask } from './answers.js';
import type { LabClient } from './client.js';
import { LabTaskFailed, LabWaitTooLong } from './errors.js';

/** @throws LabWaitTooLong when the time limit is over; the signal's reason once it is aborted */
export const until = <T>(what: string, patience: Patience, ask: () => Promise<T | undefined>): Promise<T> =>
  askUntil(patience, () => new LabWaitTooLong(what, patience.timeLimitMs), ask);

/**
 * Waits for a task's end.
 *
 * @returns `lost` when the lab knows it no more: it was started again, and the effect has to be looked for
 * @throws LabTaskFailed, LabWaitTooLong; the signal's reason once it is aborted
 */
export async function finished(
  lab: LabClient,
  vmId: string,
  task: LabTask,
  patience: Patience,
): Promise<'succeeded' | 'lost'> {
  return until(`${task.kind} of ${vmId}`, patience, async () => {
    const now = await lab.task(task.id);
    if (now === undefined) return 'lost';
    if (now.state === 'failed') {
      const { code, message } = now.error ?? { code: 'unknown', message: 'it says no more' };
      throw new LabTaskFailed(task.kind, vmId, code, message);
    }
    return now.state === 'succeeded' ? 'succeeded' : undefined;
  });
}

/**
 * Waits until nothing that an earlier attempt began is under way, so that what is looked at next stays so: a snapshot
 * that is still being made would be found missing, and be there afterwards.
 */
export async function settled(lab: LabClient, vmId: string, patience: Patience): Promise<void> {
  await until(`what was begun on ${vmId}`, patience, async () =>
    (await lab.vm(vmId)).runningTasks.length === 0 ? true : undefined,
  );
}
