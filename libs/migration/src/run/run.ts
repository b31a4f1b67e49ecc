import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import { CommandRefused } from '../vm/refusals.js';

/** One run of a plan: what its own stream says. How its VMs fare stands in theirs. */
export interface RunState {
  readonly migrationId: string;
  readonly started: EventOf<'MigrationStarted'>['data'];
  readonly startedAt: string;
  readonly cancelReason: string | undefined;
  readonly completedAt: string | undefined;
}

export function evolveRun(state: RunState | undefined, event: DomainEvent, time = ''): RunState | undefined {
  switch (event.type) {
    case 'MigrationStarted':
      return {
        migrationId: event.data.migrationId,
        started: event.data,
        startedAt: time,
        cancelReason: undefined,
        completedAt: undefined,
      };
    case 'MigrationCancelRequested':
      return state && { ...state, cancelReason: event.data.reason };
    case 'MigrationCompleted':
      return state && { ...state, completedAt: time };
    default:
      return state;
  }
}

/** Counts of the outcomes of a run's VMs; `open` are those not at an end. */
export interface RunCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
  readonly open: number;
}

export function decideRunCancel(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  if (state === undefined) throw new CommandRefused('cancel', 'there is no such migration');
  if (state.completedAt !== undefined) throw new CommandRefused('cancel', 'the migration is completed');
  if (state.cancelReason !== undefined) return [];
  return [{ type: 'MigrationCancelRequested', data: { migrationId: state.migrationId, reason } }];
}

/** Completed when every VM is at an end. A retry of a failed VM may complete a run again, with new counts. */
export function decideRunCompletion(state: RunState, counts: RunCounts): readonly DomainEvent[] {
  if (counts.open > 0 || state.completedAt !== undefined) return [];
  const { succeeded, failed, canceled } = counts;
  return [
    { type: 'MigrationCompleted', data: { migrationId: state.migrationId, succeeded, failed, canceled } },
  ];
}
