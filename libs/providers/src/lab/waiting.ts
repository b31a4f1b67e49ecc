import { setTimeout as delay } from 'node:timers/promises';
import type { Patience } from '../port.js';
import type { LabTask } from './answers.js';
import type { LabClient } from './client.js';
import { LabTaskFailed, LabWaitTooLong } from './errors.js';

const SHORTEST_MS = 10;
const LONGEST_MS = 1000;

/**
 * Asks until there is an answer, more and more seldom.
 *
 * @throws LabWaitTooLong when the time limit is over; the signal's reason once it is aborted
 */
export async function until<T>(
  what: string,
  { signal, timeLimitMs }: Patience,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeLimitMs;
  for (let pause = SHORTEST_MS; ; pause = Math.min(pause * 1.5, LONGEST_MS)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const left = deadline - performance.now();
    if (left <= 0) throw new LabWaitTooLong(what, timeLimitMs);
    await pausing(Math.min(pause, left), signal);
  }
}

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

async function pausing(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // Node throws an error of its own, with the reason as its cause.
    signal.throwIfAborted();
  }
}
