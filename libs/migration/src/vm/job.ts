import type { AttemptRef, Job } from '@ledgerlift/contracts';
import { passOf } from './pass.js';
import { hookOf, openAttempt, type VmLive } from './state.js';

/**
 * All that a worker needs to know for the attempt that it has claimed, as the log has it. Its size depends on the VM, and
 * not on how many passes it has had.
 *
 * @param failures of what a hook on failure is told
 * @param powerOff what may be done to the source
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
