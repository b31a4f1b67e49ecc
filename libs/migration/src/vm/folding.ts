import { type Condition, EndingStepName, type StepName, type StepResult } from '@ledgerlift/contracts';
import type { AttemptState } from './state.js';

/** A count of attempts that were dropped in favor of a later one of the same pipeline line. */
export interface FoldedAttempts {
  readonly count: number;
  /** When the first of them started; undefined: none did. */
  readonly startedAt: string | undefined;
}

export const noneFolded: FoldedAttempts = { count: 0, startedAt: undefined };

export const isEndingStep = (step: StepName): boolean => EndingStepName.safeParse(step).success;

/**
 * Drops the attempts that no code reads, so that their number does not grow with rounds and retries. Keeps the newest
 * attempt of each kind that the decider or a view looks for, and counts dropped ones in the next attempt of the same pipeline
 * line. The log keeps all attempts.
 *
 * @param attempts oldest first, as is the result
 * @param end number of the current clean-up's first attempt; undefined if there is none
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

/** One line of the pipeline: an index in the itinerary, or a step of the end. */
function lineOf(attempt: AttemptState, end: number | undefined): string {
  const { step, at, hook = '' } = attempt;
  return step === 'Cleanup' || isEndingStep(step)
    ? `line ${epochOf(attempt, end)} ${step}`
    : `line ${at} ${step} ${hook}`;
}

/** The kinds of this attempt: code reads only the newest attempt of each kind. */
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

/** Measurements of the rounds so far, for the forecast of the cutover. */
export interface PassTally {
  /** Complete rounds. */
  readonly count: number;
  readonly lastBytes: number;
  /** The largest round that took long enough to measure. */
  readonly largest: { readonly bytes: number; readonly ms: number } | undefined;
  /** When the last two snapshots were made, older first. */
  readonly snapshotsAt: readonly string[];
}

export const noPasses: PassTally = { count: 0, lastBytes: 0, largest: undefined, snapshotsAt: [] };

/** A shorter copy measures its start-up rather than its rate. */
const SHORTEST_MEASURE_MS = 50;
/** The most conditions kept for one VM: more than anybody reads. The log has them all. */
const MOST_CONDITIONS = 100;

/**
 * Adds a result and drops those that no code reads. Keeps the last result of each step, the first look at the
 * source, and the snapshot that the last complete round read.
 */
export function withResult(results: readonly StepResult[], added: StepResult): readonly StepResult[] {
  const all = [...results, added.step === 'SourceRetirement' ? allRetired(results, added) : added];
  const pass = all.findLastIndex(({ step }) => step === 'DiskTransfer');
  const read = all.slice(0, Math.max(0, pass)).findLastIndex(({ step }) => step === 'SnapshotCreation');
  const first = all.findIndex(({ step }) => step === 'Initialize');
  const newest = new Map(all.map((result, index) => [kindOf(result), index]));
  return all.filter(
    (result, index) => index === read || index === first || newest.get(kindOf(result)) === index,
  );
}

const kindOf = (result: StepResult): string =>
  'hook' in result ? `${result.step} ${result.hook}` : result.step;

/** A source may be retired again after a rollback: combines everything that was done to it. */
function allRetired(
  results: readonly StepResult[],
  added: Extract<StepResult, { step: 'SourceRetirement' }>,
): StepResult {
  const before = results.flatMap((result) => (result.step === 'SourceRetirement' ? result.did : []));
  return { ...added, did: [...new Set([...before, ...added.did])] };
}

/** @param attempt the attempt that completed with the result */
export function tallied(passes: PassTally, result: StepResult, attempt: AttemptState | undefined): PassTally {
  if (result.step === 'SnapshotCreation')
    return { ...passes, snapshotsAt: [...passes.snapshotsAt.slice(-1), result.snapshot.createdAt] };
  if (result.step !== 'DiskTransfer') return passes;
  const bytes = result.disks.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  const ms = msOf(attempt);
  const isLargest = ms >= SHORTEST_MEASURE_MS && bytes > (passes.largest?.bytes ?? 0);
  return {
    ...passes,
    count: passes.count + 1,
    lastBytes: bytes,
    largest: isLargest ? { bytes, ms } : passes.largest,
  };
}

/** How long an attempt took; 0 if it has not started or not ended. */
export function msOf(attempt: AttemptState | undefined): number {
  if (attempt?.startedAt === undefined || attempt.endedAt === undefined) return 0;
  const ms = Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt);
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** Adds a condition. Beyond the limit, the oldest one that was raised again for the same reason is dropped first. */
export function withCondition(conditions: readonly Condition[], added: Condition): readonly Condition[] {
  const all = [...conditions, added];
  if (all.length <= MOST_CONDITIONS) return all;
  const again = all.findIndex((one, index) =>
    all.some((other, later) => later > index && other.type === one.type && other.reason === one.reason),
  );
  return all.toSpliced(Math.max(0, again), 1);
}
