import type { Condition, StepResult } from '@ledgerlift/contracts';
import type { AttemptState } from './state.js';

/** What the passes so far have shown, for the forecast of the cutover. */
export interface PassTally {
  /** Complete passes. */
  readonly count: number;
  readonly lastBytes: number;
  /** The largest of those that took long enough to be measured. */
  readonly largest: { readonly bytes: number; readonly ms: number } | undefined;
  /** When the last two snapshots were made, the older one first. */
  readonly snapshotsAt: readonly string[];
}

export const noPasses: PassTally = { count: 0, lastBytes: 0, largest: undefined, snapshotsAt: [] };

/** What took less says more of the start than of the rate. */
const SHORTEST_MEASURE_MS = 50;
/** Conditions of one VM. More than a person reads; each is in the log. */
const MOST_CONDITIONS = 100;

/**
 * A result more, without those that nobody asks for any more: the last result of each step is kept, the first look at
 * the source, and the snapshot that the last complete pass read.
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

/** A source may be retired again after a rollback: what was done to it is all of it. */
function allRetired(
  results: readonly StepResult[],
  added: Extract<StepResult, { step: 'SourceRetirement' }>,
): StepResult {
  const before = results.flatMap((result) => (result.step === 'SourceRetirement' ? result.did : []));
  return { ...added, did: [...new Set([...before, ...added.did])] };
}

/** @param attempt the one that has completed with the result */
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

/** How long an attempt took; 0 where it has not been started, or has not ended. */
export function msOf(attempt: AttemptState | undefined): number {
  if (attempt?.startedAt === undefined || attempt.endedAt === undefined) return 0;
  const ms = Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt);
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** A condition more. Of too many, the oldest that was raised again for the same reason goes first. */
export function withCondition(conditions: readonly Condition[], added: Condition): readonly Condition[] {
  const all = [...conditions, added];
  if (all.length <= MOST_CONDITIONS) return all;
  const again = all.findIndex((one, index) =>
    all.some((other, later) => later > index && other.type === one.type && other.reason === one.reason),
  );
  return all.toSpliced(Math.max(0, again), 1);
}
