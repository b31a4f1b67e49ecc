import type { ProcessSpec } from './supervised-process.js';
import { type ProcessNews, SupervisedProcess } from './supervised-process.js';

export type Tell = (name: string, news: ProcessNews, detail: string) => void;

const GRACE_MS = 20_000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs processes in stages: each stage starts when all of the stage before are ready, and they end in the other order.
 * SIGINT, SIGTERM or SIGHUP, at any instant from the call on, ends what was started, once; more signals change nothing.
 * Call it before the first `await` that matters: until then a signal ends this process at once.
 *
 * @returns resolves when a signal came and everything has ended
 */
export async function runUntilSignal(
  prepare: () => Promise<readonly (readonly ProcessSpec[])[]>,
  tell: Tell,
  onUp: () => void,
): Promise<void> {
  const stopping = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (!stopping.signal.aborted) console.log(`${name}: stopping`);
    stopping.abort();
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  const isStopping = (): boolean => stopping.signal.aborted;
  const stages = (await prepare()).map((stage) => stage.map((spec) => new SupervisedProcess(spec, tell)));
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => void stopAll(stages).then(resolve, reject);
    if (isStopping()) stop();
    else stopping.signal.addEventListener('abort', stop, { once: true });
  });
  for (const stage of stages) if (!isStopping()) await Promise.all(stage.map((each) => each.start()));
  if (!isStopping()) onUp();
  await stopped;
}

/** The last stage first: workers can then still report, and the planner still has the bus. */
async function stopAll(stages: readonly (readonly SupervisedProcess[])[]): Promise<void> {
  for (const stage of stages.toReversed()) await Promise.all(stage.map((each) => each.stop(GRACE_MS)));
}
