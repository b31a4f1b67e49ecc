import type { StepError, StepName } from '@ledgerlift/contracts';
import type { VmLive } from './state.js';

/** What a migration failed of: the step, and what its last attempt said. Undefined: it has not failed, or not of a step. */
export function failedStep({
  attempts,
  cleanup,
}: VmLive): { readonly step: StepName; readonly error: StepError } | undefined {
  if (cleanup?.outcome !== 'failed' || cleanup.cause === undefined) return undefined;
  // Of the attempts before the end: what fails of the end itself is not what the migration failed of.
  const last = attempts.findLast(({ number, error }) => number < cleanup.firstAttempt && error !== undefined);
  return last && { step: last.step, error: cleanup.cause };
}
