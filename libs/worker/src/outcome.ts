import { LedgerliftError, type StepError, type StepOutcome, StepResult } from '@ledgerlift/contracts';
import { messageOf } from '@ledgerlift/messaging';
import type { Attempt, StepHandler } from './attempt.js';
import { AttemptCanceled } from './stop-reason.js';

/** Runs the handler to its end and says how it ended. Never throws. */
export async function outcomeOf(attempt: Attempt, handler: StepHandler): Promise<StepOutcome> {
  try {
    attempt.signal.throwIfAborted();
    const result = StepResult.safeParse(await handler(attempt));
    if (result.success && result.data.step === attempt.ref.step)
      return { kind: 'completed', result: result.data };
    return failed({
      code: 'LL-BUS-013',
      message: `the handler of ${attempt.ref.step} gave back a result that is none of that step; this is a fault of Ledgerlift`,
      class: 'permanent',
    });
  } catch (error) {
    // Once stopped, whatever came flying out of the I/O is a consequence of that.
    const cause: unknown = attempt.signal.aborted ? attempt.signal.reason : error;
    if (cause instanceof AttemptCanceled) return { kind: 'stopped', reason: cause.why };
    if (cause instanceof LedgerliftError && cause.outcome !== 'failed')
      return { kind: cause.outcome, reason: cause.message };
    return failed(toStepError(cause));
  }
}

/** What is told of an error that ended a step: ours as they are, others without their stack. */
export function toStepError(error: unknown): StepError {
  if (error instanceof LedgerliftError) {
    const effect = error.effect === 'none' ? { effect: error.effect } : {};
    return { ...error.details(), class: error.failure, ...effect };
  }
  return { code: 'LL-BUS-014', message: firstLine(messageOf(error)), class: 'transient' };
}

const failed = (error: StepError): StepOutcome => ({ kind: 'failed', error });

/** Messages of foreign errors may go on with anything, a URL's password included: that is taken out. */
function firstLine(message: string): string {
  const [line = ''] = message.split('\n');
  return `unexpected: ${line.replace(/\/\/[^/@\s]*@/g, '//…@').slice(0, 500)}`;
}
