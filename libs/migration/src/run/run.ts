import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import { CommandRefused } from '../vm/refusals.js';

/** One run of a plan: what its own stream says. How its VMs fare stands in theirs. */
export interface RunState {
  readonly migrationId: string;
  readonly started: EventOf<'MigrationStarted'>['data'];
  readonly startedAt: string;
  readonly cancelReason: string | undefined;
  readonly completed: (RunCounts & { readonly at: string }) | undefined;
}

export function evolveRun(state: RunState | undefined, event: DomainEvent, time = ''): RunState | undefined {
  switch (event.type) {
    case 'MigrationStarted':
      return {
        migrationId: event.data.migrationId,
        started: event.data,
        startedAt: time,
        cancelReason: undefined,
        completed: undefined,
      };
    case 'MigrationCancelRequested':
      return state && { ...state, cancelReason: event.data.reason };
    case 'MigrationCompleted':
      return state && { ...state, completed: { ...counts(event.data), at: time } };
    default:
      return state;
  }
}

/** Outcomes of a run's VMs, once none of them is open. */
export interface RunCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
}

export function decideRunCancel(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  if (state === undefined) throw new CommandRefused('cancel', 'there is no such migration');
  if (state.completed !== undefined) throw new CommandRefused('cancel', 'the migration is completed');
  if (state.cancelReason !== undefined) return [];
  return [{ type: 'MigrationCancelRequested', data: { migrationId: state.migrationId, reason } }];
}

/** After a retry of its failed VMs a run completes again, with other counts. */
export function decideRunCompletion(state: RunState, now: RunCounts): readonly DomainEvent[] {
  const { completed } = state;
  const isKnown =
    completed?.succeeded === now.succeeded &&
    completed.failed === now.failed &&
    completed.canceled === now.canceled;
  return isKnown
    ? []
    : [{ type: 'MigrationCompleted', data: { migrationId: state.migrationId, ...counts(now) } }];
}

const counts = ({ succeeded, failed, canceled }: RunCounts): RunCounts => ({ succeeded, failed, canceled });
