import { isBeforeCutover } from './passes.js';
import { openAttempt, type VmLive } from './state.js';

/**
 * Why the attempt that is under way is to stop; undefined: it may go on. A cancel stops everything; a pause and a due
 * cutover only a copy, which goes on from its checkpoint: all else is short, or would lose what it has done.
 */
export function stopWanted(state: VmLive): string | undefined {
  const open = openAttempt(state);
  if (open?.status !== 'started' || state.phase === 'cleaning') return undefined;
  if (state.cancel !== undefined) return `the VM was canceled: ${state.cancel}`;
  if (open.step !== 'DiskTransfer') return undefined;
  if (state.pause !== undefined) return `the VM is paused: ${state.pause}`;
  return state.passAtCutover === 'break-off' && isBeforeCutover(state) ? 'the cutover is due' : undefined;
}

/** Whether the VM takes a place among those that run at once. */
export const holdsPlace = ({ phase }: VmLive): boolean => phase === 'running' || phase === 'cleaning';
