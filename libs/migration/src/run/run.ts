import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import { CommandRefused } from '../vm/refusals.js';

/** One run of a plan: what its own stream says. How its VMs fare stands in theirs. */
export interface RunState {
  readonly migrationId: string;
  readonly started: EventOf<'MigrationStarted'>['data'];
  readonly startedAt: string;
  readonly cancelReason: string | undefined;
  readonly pauseReason: string | undefined;
  readonly approved: boolean;
  /** Number of the last wave that was started; those before it were, too. */
  readonly wave: number;
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
        pauseReason: undefined,
        approved: !event.data.spec.approve.start,
        wave: firstWave(event.data),
        completed: undefined,
      };
    case 'MigrationCancelRequested':
      return state && { ...state, cancelReason: event.data.reason };
    case 'MigrationPauseRequested':
      return state && { ...state, pauseReason: event.data.reason };
    case 'MigrationResumeRequested':
      return state && { ...state, pauseReason: undefined };
    case 'WaveStarted':
      return state && { ...state, wave: Math.max(state.wave, event.data.wave) };
    case 'MigrationApproved':
      return state && { ...state, approved: true };
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
  readonly rolledBack: number;
}

export function decideRunCancel(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  if (state === undefined) throw new CommandRefused('cancel', 'there is no such migration');
  if (state.completed !== undefined) throw new CommandRefused('cancel', 'the migration is completed');
  if (state.cancelReason !== undefined) return [];
  return [{ type: 'MigrationCancelRequested', data: { migrationId: state.migrationId, reason } }];
}

export function decideRunPause(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  const { migrationId } = open(state, 'pause');
  return state?.pauseReason === undefined
    ? [{ type: 'MigrationPauseRequested', data: { migrationId, reason } }]
    : [];
}

export function decideRunResume(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  const { migrationId } = open(state, 'resume');
  return state?.pauseReason === undefined
    ? []
    : [{ type: 'MigrationResumeRequested', data: { migrationId, reason } }];
}

/** The second person's word for the start. */
export function decideRunApproval(
  state: RunState | undefined,
  reason: string,
  by: string,
): readonly DomainEvent[] {
  const { migrationId, started } = open(state, 'approve');
  if (started.startedBy === by && state?.approved === false)
    throw new CommandRefused('approve', `${by} started the migration, and somebody else must approve it`);
  return state?.approved === true ? [] : [{ type: 'MigrationApproved', data: { migrationId, reason } }];
}

const known = new WeakMap<object, readonly number[]>();

/** The waves of a run, the first first. All of its VMs are looked at once: it is asked whenever one of them ends. */
export function wavesOf(started: EventOf<'MigrationStarted'>['data']): readonly number[] {
  const waves =
    known.get(started) ?? [...new Set(started.spec.vms.map(({ wave = 1 }) => wave))].sort((a, b) => a - b);
  known.set(started, waves);
  return waves;
}

const firstWave = (started: EventOf<'MigrationStarted'>['data']): number => wavesOf(started)[0] ?? 1;

/** The wave after the one that was started last. @throws CommandRefused where there is none */
export function decideNextWave(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  const { migrationId, started, wave } = open(state, 'start the next wave');
  const next = wavesOf(started).find((each) => each > wave);
  if (next === undefined)
    throw new CommandRefused('start the next wave', `wave ${wave} is the last of the plan`);
  return [{ type: 'WaveStarted', data: { migrationId, wave: next, reason } }];
}

/**
 * Starts the next wave by itself once enough of the last have succeeded.
 *
 * @param last outcomes of the VMs of the wave that was started last
 */
export function decideWaveAfter(
  state: RunState,
  last: { readonly total: number; readonly succeeded: number },
): readonly DomainEvent[] {
  const { startNext, minSucceededPercent } = state.started.spec.waves;
  const isLast = !wavesOf(state.started).some((wave) => wave > state.wave);
  if (startNext !== 'automatic' || isLast || state.cancelReason !== undefined) return [];
  if (100 * last.succeeded < minSucceededPercent * last.total) return [];
  return decideNextWave(state, `${last.succeeded} of ${last.total} VMs of wave ${state.wave} have succeeded`);
}

/** @throws CommandRefused */
function open(state: RunState | undefined, command: string): RunState {
  if (state === undefined) throw new CommandRefused(command, 'there is no such migration');
  if (state.cancelReason !== undefined) throw new CommandRefused(command, 'the migration is canceled');
  if (state.completed !== undefined) throw new CommandRefused(command, 'the migration is completed');
  return state;
}

/** After a retry of its failed VMs a run completes again, with other counts. */
export function decideRunCompletion(state: RunState, now: RunCounts): readonly DomainEvent[] {
  const { completed } = state;
  const isKnown =
    completed?.succeeded === now.succeeded &&
    completed.failed === now.failed &&
    completed.canceled === now.canceled &&
    completed.rolledBack === now.rolledBack;
  return isKnown
    ? []
    : [{ type: 'MigrationCompleted', data: { migrationId: state.migrationId, ...counts(now) } }];
}

const counts = ({ succeeded, failed, canceled, rolledBack }: RunCounts): RunCounts => ({
  succeeded,
  failed,
  canceled,
  rolledBack,
});
