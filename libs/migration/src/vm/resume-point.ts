import { resourceKey } from '@ledgerlift/contracts';
import { indexIn, isWarm, lastAttemptOf, lastResult, partOf, type VmLive } from './state.js';

/**
 * The state from which a failed VM resumes: at the step that failed, unless the step's input is gone because the source was
 * powered on again, or because the snapshot that it read was removed.
 */
export function resumeAfterFailure(state: VmLive): VmLive {
  if (sourceWasPoweredOnAgain(state)) {
    if (!isWarm(state)) return { ...state, at: Math.min(state.at, powerOffIndex(state)), sourceRan: 0 };
    // The source runs as before the cutover: rounds continue, and the cutover must be requested again.
    return {
      ...state,
      at: indexIn(state, 'precopy'),
      round: state.round + 1,
      cutover: {
        ...state.cutover,
        scheduled: undefined,
        isApproved: false,
        deferred: undefined,
        pass: undefined,
      },
      sourceRan: 0,
    };
  }
  const part = state.itinerary[state.at]?.part;
  const step = state.itinerary[state.at]?.step;
  const reads = (step === 'DiskTransfer' || step === 'PreflightInspection') && isWarm(state);
  if (!reads || part === undefined || hasSnapshot(state)) return { ...state, sourceRan: 0 };
  return { ...state, at: indexIn(state, part, 'SnapshotCreation'), sourceRan: 0 };
}

/** Whether a retry would read the source again. */
export const wouldReadSource = (state: VmLive): boolean =>
  state.itinerary.slice(resumeAfterFailure(state).at).some(({ step }) => step === 'DiskTransfer');

/** Whether a retry would convert the guest, for the first time or again. */
export const wouldConvert = (state: VmLive): boolean =>
  state.itinerary.slice(resumeAfterFailure(state).at).some(({ step }) => step === 'ImageConversion');

/** The source ran after its power-off: powers it off again, and repeats every step that depends on its disks. */
export const resumeAfterSourceRan = (state: VmLive): VmLive => ({
  ...state,
  at: powerOffIndex(state),
  round: isWarm(state) ? state.round + 1 : state.round,
});

/** Takes another snapshot in a new round, after removing the remains of the lost one. */
export const resumeAfterSnapshotLost = (state: VmLive): VmLive => ({
  ...state,
  at: indexIn(state, partOf(state), 'SnapshotCreation'),
  round: state.round + 1,
});

const powerOffIndex = (state: VmLive): number =>
  state.itinerary.findIndex(({ step }) => step === 'SourcePowerOff');

function sourceWasPoweredOnAgain(state: VmLive): boolean {
  const on = state.attempts.findLastIndex(({ step }) => step === 'SourcePowerOn');
  const off = state.attempts.findLastIndex(({ step }) => step === 'SourcePowerOff');
  return on > off && off >= 0 && lastAttemptOf(state, 'SourcePowerOn')?.startedAt !== undefined;
}

function hasSnapshot(state: VmLive): boolean {
  const name = lastResult(state, 'SnapshotCreation')?.snapshot.name;
  return name !== undefined && state.ledger[resourceKey({ kind: 'snapshot', name })] !== undefined;
}
