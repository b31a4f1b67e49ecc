import type { Logger } from './logger.js';

export interface ShutdownOptions {
  readonly logger: Logger;
  /** Steps before the process ends, in order. Each is tried even if an earlier one failed. */
  readonly steps: readonly { readonly name: string; readonly run: () => Promise<void> }[];
  /** After this time the process ends, even if steps remain. */
  readonly timeoutMs?: number;
}

/**
 * Ends the process gracefully on SIGTERM and SIGINT, and at once on the second signal. An uncaught error ends it with exit code 1,
 * so that the supervisor restarts it: that is better than a process in an unknown state.
 * @returns a function that shuts down from inside
 */
export function endGracefully({
  logger,
  steps,
  timeoutMs = 25_000,
}: ShutdownOptions): (code: number) => void {
  const startedBy = process.ppid;
  let ending = false;
  const end = (code: number): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => {
      logger.error('shutting down took too long');
      process.exit(1);
    }, timeoutMs).unref();
    void runSteps(steps, logger).then(() => process.exit(code));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending) {
      logger.warn({ signal }, 'second signal: exiting at once');
      process.exit(1);
    }
    // If the supervisor dies, the kernel sends the signal (PDEATHSIG); by then we have another parent.
    if (process.ppid === startedBy) logger.info({ signal }, 'shutting down');
    else logger.warn({ signal, startedBy }, 'shutting down; the process that started this one is gone');
    end(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const onCrash = (error: unknown): void => {
    logger.fatal({ err: error }, 'uncaught error; exiting');
    process.exit(1);
  };
  process.on('unhandledRejection', onCrash);
  process.on('uncaughtException', onCrash);
  return end;
}

async function runSteps(steps: ShutdownOptions['steps'], logger: Logger): Promise<void> {
  for (const { name, run } of steps) {
    try {
      await run();
    } catch (error) {
      logger.error({ err: error, step: name }, 'a step of the shutdown failed');
    }
  }
}
