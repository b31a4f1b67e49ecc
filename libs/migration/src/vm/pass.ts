import type { TransferPass } from '@ledgerlift/contracts';
import { isWarm, lastResult, partOf, type VmLive } from './state.js';

const kinds = { main: 'full', precopy: 'delta', test: 'delta', cutover: 'final' } as const;

/** Which pass the VM is in, and from which moment of the source it reads. */
export function passOf(state: VmLive): TransferPass {
  const { round } = state;
  if (!isWarm(state)) return { kind: 'cold', round };
  const snapshot = lastResult(state, 'SnapshotCreation')?.snapshot;
  return { kind: kinds[partOf(state)], round, ...(snapshot === undefined ? {} : { snapshot }) };
}
