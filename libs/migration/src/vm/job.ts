import type { AttemptRef, Job, StepError, StepName, TransferPass } from '@ledgerlift/contracts';
import { isBeforeCutover } from './passes.js';
import {
  hookOf,
  isAtWork,
  isDecided,
  isWarm,
  lastResult,
  openAttempt,
  partOf,
  pauseOf,
  type VmLive,
} from './state.js';

/**
 * Everything that a worker needs to know for the attempt that it claimed, from the log. Its size depends on the VM, not on
 * the number of its rounds.
 *
 * @param failures what to tell a hook on failure
 * @param powerOff what the worker may do to the source
 */
export function jobOf(
  state: VmLive,
  { step, attempt }: Pick<AttemptRef, 'step' | 'attempt'>,
  failures?: Job['failures'],
  powerOff?: Job['powerOff'],
): Job {
  const open = openAttempt(state);
  const hook = hookOf(state, open?.hook);
  return {
    record: state.record,
    step,
    attempt,
    results: [...state.results],
    conversions: state.conversions,
    checkpoints: Object.values(state.checkpoints),
    ledger: Object.values(state.ledger),
    release: [...(open?.release ?? [])],
    pass: passOf(state),
    ...(hook === undefined ? {} : { hook }),
    ...(failures === undefined ? {} : { failures }),
    ...(powerOff === undefined ? {} : { powerOff }),
  };
}

const kinds = { main: 'full', precopy: 'delta', test: 'delta', cutover: 'final' } as const;

/** The VM's current round, and the moment of the source that it reads. */
export function passOf(state: VmLive): TransferPass {
  const { round } = state;
  if (!isWarm(state)) return { kind: 'cold', round };
  const snapshot = lastResult(state, 'SnapshotCreation')?.snapshot;
  return { kind: kinds[partOf(state)], round, ...(snapshot === undefined ? {} : { snapshot }) };
}

/**
 * Why the current attempt should stop; undefined if it may continue. A cancel stops every step. A pause or a due cutover stops
 * only a copy, which can continue from its checkpoint: other steps are short, or would lose their work.
 */
export function stopWanted(state: VmLive): string | undefined {
  const open = openAttempt(state);
  if (open?.status !== 'started' || state.phase === 'cleaning') return undefined;
  if (state.cancel !== undefined) return `the VM was canceled: ${state.cancel}`;
  if (open.step !== 'DiskTransfer') return undefined;
  const pause = pauseOf(state);
  if (pause !== undefined) return `the VM is paused: ${pause}`;
  return state.cutover.pass === 'break-off' && isBeforeCutover(state) ? 'the cutover is due' : undefined;
}

/** Whether the VM uses one of the slots of VMs that run at once. */
export const holdsSlot = isAtWork;

/** The step that failed the migration, and the error of its last attempt. Undefined: no step failed it. */
export function failedStep(
  state: VmLive,
): { readonly step: StepName; readonly error: StepError } | undefined {
  if (!isDecided(state)) return undefined;
  const { attempts, cleanup } = state;
  if (cleanup.outcome !== 'failed' || cleanup.cause === undefined) return undefined;
  // Only attempts before the end: a failure of the end itself did not fail the migration.
  const last = attempts.findLast(({ number, error }) => number < cleanup.firstAttempt && error !== undefined);
  return last && { step: last.step, error: cleanup.cause };
}
