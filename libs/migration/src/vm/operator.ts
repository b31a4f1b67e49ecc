import type { DomainEvent } from '@ledgerlift/contracts';
import type { CommandOf } from './commands.js';
import { decideOutcome } from './ending.js';
import { foldLive } from './evolve.js';
import { forecastOf } from './forecast.js';
import { isBeforeCutover } from './passes.js';
import { CommandRefused } from './refusals.js';
import { indexIn, isTerminal, isWarm, openAttempt, type VmLive } from './state.js';

/** What an operator may ask of a VM: accepted where it makes sense, refused with the reason where it does not. */

export function cancel(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.cancel !== undefined && !isTerminal(state)) return [];
  if (isTerminal(state))
    throw new CommandRefused('cancel', `the migration of the VM has ${state.phase} already`);
  refuseAtEnd(state, 'cancel');
  const event: DomainEvent = { type: 'CancelRequested', data: { reason } };
  // A worker that has started must stop first.
  if (openAttempt(state)?.status === 'started') return [event];
  const events = [event, ...withdrawn(state, 'canceled')];
  return [...events, ...decideOutcome(foldLive(state, events), 'canceled')];
}

export function pause(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.pause !== undefined) return [];
  refuseAtEnd(state, 'pause');
  if (state.phase === 'held')
    throw new CommandRefused('pause', 'the VM is held, and nothing of it is under way');
  if (state.cancel !== undefined) throw new CommandRefused('pause', 'the VM is being canceled');
  const event: DomainEvent = { type: 'PauseRequested', data: { reason } };
  const open = openAttempt(state);
  if (open?.status === 'started') return [event];
  return [event, ...pauseNow(foldLive(state, [event]))];
}

/** The safe point is reached. */
export const pauseNow = (state: VmLive): readonly DomainEvent[] => [
  ...withdrawn(state, 'paused'),
  { type: 'VmMigrationPaused', data: {} },
];

/** What was asked for and nobody has is taken back: whoever comes for it is refused. */
function withdrawn(state: VmLive, reason: string): readonly DomainEvent[] {
  const open = openAttempt(state);
  if (open?.status !== 'requested') return [];
  const { step, attempt, lastReport } = open;
  return [{ type: 'StepStopped', data: { step, attempt, report: lastReport, reason } }];
}

export function resume(state: VmLive, reason: string): readonly DomainEvent[] {
  refuseAtEnd(state, 'resume');
  if (state.pause === undefined) throw new CommandRefused('resume', 'the VM is not paused');
  return [{ type: 'ResumeRequested', data: { reason } }];
}

export function cutover(
  state: VmLive,
  { reason, by, dueAt, at }: CommandOf<'cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'cutover');
  if (!isWarm(state)) throw new CommandRefused('cutover', 'only a warm migration has a cutover');
  if (!isBeforeCutover(state)) throw new CommandRefused('cutover', 'the cutover has begun');
  if (state.cancel !== undefined) throw new CommandRefused('cutover', 'the VM is being canceled');
  const due = new Date(Math.max(dueAt.getTime(), at.getTime())).toISOString();
  // Asked again while it is due already: nothing is new.
  if (state.cutover?.by === 'command' && Date.parse(state.cutover.dueAt) <= at.getTime()) return [];
  return [
    {
      type: 'CutoverScheduled',
      data: { by: 'command', dueAt: due, reason, forecast: forecastOf(state, new Date(due)), askedBy: by },
    },
  ];
}

export function approveCutover(
  state: VmLive,
  { reason, by }: CommandOf<'approve-cutover'>,
): readonly DomainEvent[] {
  refuseAtEnd(state, 'approve');
  if (!isWarm(state) || !state.record.settings.approve.cutover)
    throw new CommandRefused('approve', 'the plan asks for no approval of the cutover');
  if (state.cutoverApproved) return [];
  if (state.cutover?.askedBy === by)
    throw new CommandRefused('approve', `${by} asked for the cutover, and somebody else must approve it`);
  return [{ type: 'CutoverApproved', data: { reason } }];
}

export function testBoot(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.testBoot !== undefined) return [];
  if (indexIn(state, 'test') < 0) throw new CommandRefused('test boot', 'only a warm migration has one');
  if (state.phase !== 'waiting')
    throw new CommandRefused('test boot', `the VM must wait between two passes, and it is ${state.phase}`);
  return [{ type: 'TestBootRequested', data: { reason } }];
}

function refuseAtEnd(state: VmLive, command: string): void {
  if (isTerminal(state))
    throw new CommandRefused(command, `the migration of the VM has ${state.phase} already`);
  if (state.phase === 'cleaning')
    throw new CommandRefused(
      command,
      `the migration has ${state.cleanup?.outcome ?? 'ended'}, only clean-up is left`,
    );
}
