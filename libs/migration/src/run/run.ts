import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import { CommandRefused } from '../vm/commands.js';

/** One run of a plan, folded from its own stream. The state of its VMs is in their streams. */
export interface RunState {
  readonly migrationId: string;
  readonly started: EventOf<'MigrationStarted'>['data'];
  readonly startedAt: string;
  /** What an operator last told the run to do. A cancel is final. */
  readonly intent: RunIntent;
  readonly approved: boolean;
  /** The last wave that was started, after all those before it. */
  readonly wave: number;
  readonly completed: (RunCounts & { readonly at: string }) | undefined;
}

export type RunIntent =
  | { readonly kind: 'proceed' }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly reason: string };

export function evolveRun(state: RunState | undefined, event: DomainEvent, time = ''): RunState | undefined {
  switch (event.type) {
    case 'MigrationStarted':
      return {
        migrationId: event.data.migrationId,
        started: event.data,
        startedAt: time,
        intent: { kind: 'proceed' },
        approved: !event.data.spec.approve.start,
        wave: firstWave(event.data),
        completed: undefined,
      };
    case 'MigrationCancelRequested':
      return state && { ...state, intent: { kind: 'cancel', reason: event.data.reason } };
    case 'MigrationPauseRequested':
      return state && withIntent(state, { kind: 'pause', reason: event.data.reason });
    case 'MigrationResumeRequested':
      return state && withIntent(state, { kind: 'proceed' });
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

const withIntent = (state: RunState, intent: RunIntent): RunState =>
  state.intent.kind === 'cancel' ? state : { ...state, intent };

/** How many VMs of a run ended in each outcome, once none is open. */
export interface RunCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
  readonly rolledBack: number;
}

export function decideRunCancel(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  if (state === undefined) throw new CommandRefused('cancel', 'there is no such migration');
  if (state.completed !== undefined) throw new CommandRefused('cancel', 'the migration is completed');
  if (state.intent.kind === 'cancel') return [];
  return [{ type: 'MigrationCancelRequested', data: { migrationId: state.migrationId, reason } }];
}

export function decideRunPause(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  const { migrationId, intent } = open(state, 'pause');
  return intent.kind === 'pause' ? [] : [{ type: 'MigrationPauseRequested', data: { migrationId, reason } }];
}

export function decideRunResume(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  const { migrationId, intent } = open(state, 'resume');
  return intent.kind === 'pause' ? [{ type: 'MigrationResumeRequested', data: { migrationId, reason } }] : [];
}

/** A second person approves the start. @throws CommandRefused for whoever started the migration */
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

/** The waves of a run, ascending. Cached, because it is called whenever a VM ends. */
export function wavesOf(started: EventOf<'MigrationStarted'>['data']): readonly number[] {
  const waves =
    known.get(started) ?? [...new Set(started.spec.vms.map(({ wave = 1 }) => wave))].sort((a, b) => a - b);
  known.set(started, waves);
  return waves;
}

const firstWave = (started: EventOf<'MigrationStarted'>['data']): number => wavesOf(started)[0] ?? 1;

/** Starts the wave after the last one started. @throws CommandRefused if there is none */
export function decideNextWave(state: RunState | undefined, reason: string): readonly DomainEvent[] {
  const { migrationId, started, wave } = open(state, 'start the next wave');
  const next = wavesOf(started).find((each) => each > wave);
  if (next === undefined)
    throw new CommandRefused('start the next wave', `wave ${wave} is the last of the plan`);
  return [{ type: 'WaveStarted', data: { migrationId, wave: next, reason } }];
}

/**
 * Starts the next wave automatically once enough VMs of the last one succeeded.
 *
 * @param last outcomes of the VMs of the last wave started
 */
export function decideWaveAfter(
  state: RunState,
  last: { readonly total: number; readonly succeeded: number },
): readonly DomainEvent[] {
  const { startNext, minSucceededPercent } = state.started.spec.waves;
  const isLast = !wavesOf(state.started).some((wave) => wave > state.wave);
  if (startNext !== 'automatic' || isLast || state.intent.kind === 'cancel') return [];
  if (100 * last.succeeded < minSucceededPercent * last.total) return [];
  return decideNextWave(state, `${last.succeeded} of ${last.total} VMs of wave ${state.wave} have succeeded`);
}

/** @throws CommandRefused */
function open(state: RunState | undefined, command: string): RunState {
  if (state === undefined) throw new CommandRefused(command, 'there is no such migration');
  if (state.intent.kind === 'cancel') throw new CommandRefused(command, 'the migration is canceled');
  if (state.completed !== undefined) throw new CommandRefused(command, 'the migration is completed');
  return state;
}

/** A run completes again, with other counts, after a retry of its failed VMs. */
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
