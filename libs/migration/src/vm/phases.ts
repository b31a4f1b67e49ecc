import type { EventOf, Outcome } from '@ledgerlift/contracts';
import {
  isAbandoned,
  isDecided,
  isTargetDeleted,
  keptOf,
  pauseOf,
  precopyOf,
  type StepInHand,
  type VmCleaning,
  type VmEnded,
  type VmFacts,
  type VmHeld,
  type VmLive,
  type VmPaused,
  type VmPlanned,
  type VmRunning,
  type VmWaiting,
} from './state.js';

/** From one phase into another: keeps the facts, and drops what only the earlier phase has. */

/** A new step begins without failures or waits. */
export const afresh: StepInHand = { pending: undefined, failuresInARow: 0, lostInARow: 0 };

const factsOf = (state: VmFacts): VmFacts => ({
  record: state.record,
  itinerary: state.itinerary,
  at: state.at,
  round: state.round,
  attempts: state.attempts,
  attemptsMade: state.attemptsMade,
  results: state.results,
  conversions: state.conversions,
  passes: state.passes,
  checkpoints: state.checkpoints,
  ledger: state.ledger,
  adopted: state.adopted,
  conditions: state.conditions,
  cutover: state.cutover,
  testBoot: state.testBoot,
  sourceRan: state.sourceRan,
  snapshotsLost: state.snapshotsLost,
  cancel: state.cancel,
  laterCleanups: state.laterCleanups,
  plannedAt: state.plannedAt,
  admittedAt: state.admittedAt,
});

type Undecided = Pick<VmPlanned, 'pause' | 'precopy'>;

const undecidedOf = (state: VmLive): VmFacts & Undecided => ({
  ...factsOf(state),
  pause: pauseOf(state),
  precopy: precopyOf(state),
});

export const toPlanned = (state: VmLive, change: Partial<VmFacts & Undecided> = {}): VmPlanned => ({
  ...undecidedOf(state),
  ...change,
  phase: 'planned',
});

export const toRunning = (state: VmLive, change: Partial<VmFacts> = {}): VmRunning => ({
  ...undecidedOf(state),
  ...afresh,
  ...change,
  phase: 'running',
});

export const toWaiting = (
  state: VmLive,
  powerOff: VmWaiting['powerOff'],
  change: Partial<VmFacts & Undecided> = {},
): VmWaiting => ({ ...undecidedOf(state), ...change, phase: 'waiting', powerOff });

export const toPaused = (state: VmLive): VmPaused => {
  const undecided = undecidedOf(state);
  return {
    ...undecided,
    pause: undecided.pause ?? '',
    phase: 'paused',
    from: state.phase === 'waiting' ? { phase: 'waiting', powerOff: state.powerOff } : { phase: 'planned' },
  };
};

/** A paused VM waits again as before, or for a slot. */
export function resumed(state: VmPaused): VmPlanned | VmWaiting {
  const { from } = state;
  const change = { pause: undefined };
  return from.phase === 'waiting' ? toWaiting(state, from.powerOff, change) : toPlanned(state, change);
}

export const toHeld = (state: VmLive): VmHeld => ({ ...undecidedOf(state), phase: 'held' });

export function toCleaning(state: VmLive, data: EventOf<'CleanupDecided'>['data']): VmCleaning {
  return {
    ...factsOf(state),
    ...afresh,
    phase: 'cleaning',
    kept: keptOf(state),
    isAbandoned: isAbandoned(state),
    isTargetDeleted: isTargetDeleted(state),
    rollback: isDecided(state) ? state.rollback : undefined,
    cleanup: {
      outcome: data.outcome,
      cause: data.cause,
      steps: data.steps,
      isIncomplete: false,
      release: data.release,
      keep: data.keep,
      later: data.later,
      firstAttempt: state.attemptsMade,
    },
  };
}

export function toEnded(
  state: VmCleaning | VmEnded,
  phase: Outcome,
  change: Pick<VmEnded, 'kept' | 'conditions' | 'endedAt'>,
): VmEnded {
  const { cleanup, isAbandoned, isTargetDeleted, rollback } = state;
  return { ...factsOf(state), cleanup, isAbandoned, isTargetDeleted, rollback, ...change, phase };
}
