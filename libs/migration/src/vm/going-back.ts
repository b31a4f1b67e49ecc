import { resourceKey } from '@ledgerlift/contracts';
import { indexIn, isWarm, lastAttemptOf, lastResult, partOf, type VmLive } from './state.js';

/**
 * Where a VM goes on after it failed. That is the step that failed, unless what it builds on is gone: the source was
 * powered on again, and has changed since, or the snapshot that was being read was removed.
 */
export function placeAfterFailure(state: VmLive): VmLive {
  if (sourceWasPoweredOnAgain(state)) {
    if (!isWarm(state)) return { ...state, at: Math.min(state.at, powerOffIndex(state)), sourceRan: 0 };
    // The source runs as it did before the cutover: passes go on, and the cutover is asked for anew.
    return {
      ...state,
      at: indexIn(state, 'precopy'),
      round: state.round + 1,
      cutover: undefined,
      cutoverApproved: false,
      cutoverDeferred: undefined,
      passAtCutover: undefined,
      sourceRan: 0,
    };
  }
  const part = state.itinerary[state.at]?.part;
  const step = state.itinerary[state.at]?.step;
  const reads = (step === 'DiskTransfer' || step === 'PreflightInspection') && isWarm(state);
  if (!reads || part === undefined || hasSnapshot(state)) return { ...state, sourceRan: 0 };
  return { ...state, at: indexIn(state, part, 'SnapshotCreation'), sourceRan: 0 };
}

/** Whether a retry would read the source once more. */
export const wouldReadSource = (state: VmLive): boolean =>
  state.itinerary.slice(placeAfterFailure(state).at).some(({ step }) => step === 'DiskTransfer');

/** Whether a retry would convert the guest, for the first time or once more. */
export const wouldConvert = (state: VmLive): boolean =>
  state.itinerary.slice(placeAfterFailure(state).at).some(({ step }) => step === 'ImageConversion');

/** The source ran after its power-off: off with it again, and all that follows from its disks is done again. */
export const placeAfterSourceRan = (state: VmLive): VmLive => ({
  ...state,
  at: powerOffIndex(state),
  round: isWarm(state) ? state.round + 1 : state.round,
});

/** Another snapshot, under the number of another pass; what is left of the lost one goes first. */
export const placeAfterSnapshotLost = (state: VmLive): VmLive => ({
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
