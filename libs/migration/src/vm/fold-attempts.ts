import { EndingStepName, type StepName } from '@ledgerlift/contracts';
import type { AttemptState } from './state.js';

/** Attempts of the same line of the pipeline that were folded into a later one. */
export interface FoldedAttempts {
  readonly count: number;
  /** When the first of them was started; undefined: none was. */
  readonly startedAt: string | undefined;
}

export const noneFolded: FoldedAttempts = { count: 0, startedAt: undefined };

export const isEndingStep = (step: StepName): boolean => EndingStepName.safeParse(step).success;

/**
 * Drops the attempts that no question about the VM needs any more, so that their number does not grow with passes and
 * retries. Kept is the newest attempt of each kind that the decider or a view looks for; what is dropped is counted in
 * the next one of the same line of the pipeline. All attempts stay in the log.
 *
 * @param attempts oldest first; the order is kept
 * @param end number of the first attempt of the clean-up that is under way; undefined where none is
 */
export function foldAttempts(
  attempts: readonly AttemptState[],
  end: number | undefined,
): readonly AttemptState[] {
  const taken = new Set<string>();
  const kept = new Set<AttemptState>();
  for (const attempt of attempts.toReversed()) {
    for (const kind of kindsOf(attempt, end)) {
      if (taken.has(kind)) continue;
      taken.add(kind);
      kept.add(attempt);
    }
  }
  if (kept.size === attempts.length) return attempts;
  const dropped = new Map<string, FoldedAttempts>();
  return attempts.flatMap((attempt) => {
    const line = lineOf(attempt, end);
    const before = dropped.get(line) ?? noneFolded;
    const { count, startedAt } = attempt.folded;
    const folded = { count: before.count + count, startedAt: before.startedAt ?? startedAt };
    if (kept.has(attempt)) {
      dropped.delete(line);
      return [{ ...attempt, folded }];
    }
    dropped.set(line, { count: folded.count + 1, startedAt: folded.startedAt ?? attempt.startedAt });
    return [];
  });
}

const epochOf = ({ number }: AttemptState, end: number | undefined): string =>
  end !== undefined && number >= end ? 'end' : 'before';

/** One line of the pipeline: a place in the itinerary, or a step of the end. */
function lineOf(attempt: AttemptState, end: number | undefined): string {
  const { step, at, hook = '' } = attempt;
  return step === 'Cleanup' || isEndingStep(step)
    ? `line ${epochOf(attempt, end)} ${step}`
    : `line ${at} ${step} ${hook}`;
}

/** What may be asked for: of each, only the newest attempt matters. */
function kindsOf(attempt: AttemptState, end: number | undefined): readonly string[] {
  const { step, service, status, startedAt, hadNoEffect, release, error } = attempt;
  const wasStarted = startedAt !== undefined;
  return [
    lineOf(attempt, end),
    `${status} ${step} ${service}`,
    ...(wasStarted ? [`started ${step}`] : []),
    ...(wasStarted && !hadNoEffect ? [`let stand ${step}`] : []),
    ...(release.some(({ kind }) => kind === 'snapshot') ? [`merges ${step}`] : []),
    ...(error === undefined ? [] : [`error ${epochOf(attempt, end)}`]),
    ...(error === undefined || step === 'Cleanup' ? [] : ['error of a step']),
  ];
}
