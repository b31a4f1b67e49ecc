import type { Expected, Forecast } from '@ledgerlift/contracts';
import { msOf } from './folding.js';
import { lastResult, type AttemptState, type VmLive } from './state.js';

/** Assumed until measured: a guest's shutdown, a gigabit's rate, and what virt-v2v and a boot took on small guests. */
export const assumed: Expected = {
  shutdownMs: 30_000,
  snapshotMs: 5_000,
  bytesPerSecond: 100_000_000,
  conversionMs: 180_000,
  bootMs: 30_000,
  measured: 0,
};

/** The share of the copied data that is assumed to change in an hour, until a delta was measured. */
const ASSUMED_CHANGE_PER_HOUR = 0.01;
const HOUR = 3_600_000;

/**
 * Predicts a cutover's duration from earlier migrations (in the record) and from this one so far.
 *
 * @param at when the cutover would begin
 * @param bytesToCopy what a round that is broken off leaves to copy, on top of later changes
 */
export function forecastOf(state: VmLive, at: Date, bytesToCopy = 0): Forecast {
  const expected = state.record.expected ?? assumed;
  const { settings } = state.record;
  const bytesPerSecond = rateOf(state) ?? expected.bytesPerSecond;
  const since = snapshotTime(state) ?? at.getTime();
  const deltaBytes = Math.round(bytesToCopy + changeRateOf(state) * Math.max(0, at.getTime() - since));
  const parts = {
    shutdownMs: lastResult(state, 'Initialize')?.powerState === 'off' ? 0 : expected.shutdownMs,
    snapshotMs: durationOf(state, 'SnapshotCreation', 'SnapshotRemoval') ?? expected.snapshotMs,
    deltaMs: Math.round((deltaBytes / bytesPerSecond) * 1000),
    conversionMs: settings.skipGuestConversion
      ? 0
      : (durationOf(state, 'ImageConversion', 'ImageCommit') ?? expected.conversionMs),
    bootMs: expected.bootMs,
  };
  const downtimeMs = Object.values(parts).reduce((sum, ms) => sum + ms, 0);
  return { downtimeMs, ...parts, deltaBytes, bytesPerSecond: Math.round(bytesPerSecond) };
}

/** Expected downtimes, for a cutover that comes due during a round. */
export function passForecasts(
  state: VmLive,
  at: Date,
): { readonly finish: number; readonly breakOff: number } {
  const remaining = remainingBytes(state);
  const passMs = (remaining / (rateOf(state) ?? (state.record.expected ?? assumed).bytesPerSecond)) * 1000;
  return {
    finish: forecastOf(state, new Date(at.getTime() + passMs)).downtimeMs,
    breakOff: forecastOf(state, at, remaining).downtimeMs,
  };
}

/** Bytes that the current round has still to copy, by its checkpoints; the whole disk if it has none. */
function remainingBytes(state: VmLive): number {
  const moment = lastResult(state, 'SnapshotCreation')?.snapshot.momentId;
  return state.record.source.vm.disks.reduce((sum, { id, capacityBytes }) => {
    const checkpoint = state.checkpoints[id];
    // A delta's size is unknown until it is requested; the size of the last one is as good a guess as any.
    if (checkpoint === undefined) return sum + capacityBytes;
    return checkpoint.momentId === moment ? sum + checkpoint.bytesTotal - checkpoint.bytesDone : sum;
  }, 0);
}

/** Bytes a second of the largest round so far. */
function rateOf(state: VmLive): number | undefined {
  const { largest } = state.passes;
  return largest === undefined ? undefined : (largest.bytes / largest.ms) * 1000;
}

/** Bytes that change in a millisecond. */
function changeRateOf(state: VmLive): number {
  const { count, lastBytes, snapshotsAt } = state.passes;
  if (count === 0) return 0;
  if (count === 1) return (lastBytes * ASSUMED_CHANGE_PER_HOUR) / HOUR;
  const times = snapshotsAt.map((each) => Date.parse(each));
  const between = (times.at(-1) ?? 0) - (times.at(-2) ?? 0);
  return between > 0 ? lastBytes / between : 0;
}

const snapshotTime = (state: VmLive): number | undefined => {
  const created = lastResult(state, 'SnapshotCreation')?.snapshot.createdAt;
  return created === undefined ? undefined : Date.parse(created);
};

/** Total time of the last completed attempts of these steps, in milliseconds; undefined if none completed. */
function durationOf(state: VmLive, ...steps: readonly AttemptState['step'][]): number | undefined {
  const found = steps.flatMap(
    (step) => state.attempts.findLast((each) => each.step === step && each.status === 'completed') ?? [],
  );
  return found.length === 0 ? undefined : found.reduce((sum, attempt) => sum + msOf(attempt), 0);
}
