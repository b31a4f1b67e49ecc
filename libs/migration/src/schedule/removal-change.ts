import type { DomainEvent } from '@ledgerlift/contracts';
import type { VmLive } from '../vm/state.js';
import { removalEntryOf, turnOf } from '../vm/turn.js';
import type { RemovalTurns } from './removal-turns.js';

/** What the schedule is to be told of a VM: that it wants a turn, or needs its own no longer. */
export function removalChange(turns: RemovalTurns, state: VmLive): readonly DomainEvent[] {
  switch (turnOf(state)) {
    case 'awaited':
      return turns.enqueue(removalEntryOf(state));
    case 'taken':
      return turns.took(removalEntryOf(state));
    case undefined:
      return turns.release(state.record.migrationId, state.record.index);
  }
}

/** Whether the VM waits for the turn that it has. */
export const mayTakeTurn = (turns: RemovalTurns, state: VmLive): boolean =>
  turnOf(state) === 'awaited' && turns.stateOf(state.record.migrationId, state.record.index) === 'given';
