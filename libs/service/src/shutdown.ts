import type { Logger } from './logger.js';

export interface ShutdownOptions {
  readonly logger: Logger;
  /** What is to be done before the process ends, in this order; each is tried even if one before it failed. */
  readonly steps: readonly { readonly name: string; readonly run: () => Promise<void> }[];
  /** After this long the process ends with what is not done. */
  readonly timeoutMs?: number;
}

/**
 * Ends the process gracefully at SIGTERM and SIGINT, at once at the second of them. What was thrown and caught by
 * nobody ends it with 1: the supervisor starts it again, which is better than a process of which nobody knows what
 * still works.
 * @returns the way to end it from inside
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
      logger.warn({ signal }, 'ending at once');
      process.exit(1);
    }
    // The kernel sends the signal when the supervisor dies (PDEATHSIG); by then we have another parent.
    if (process.ppid === startedBy) logger.info({ signal }, 'shutting down');
    else logger.warn({ signal, startedBy }, 'shutting down; the process that started this one is gone');
    end(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const onCrash = (error: unknown): void => {
    logger.fatal({ err: error }, 'an error that nobody caught; ending');
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
