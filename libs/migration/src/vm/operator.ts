import type { DomainEvent } from '@ledgerlift/contracts';
import { decideOutcome } from './ending.js';
import { foldLive } from './evolve.js';
import { CommandRefused } from './refusals.js';
import { indexIn, isTerminal, openAttempt, type VmLive } from './state.js';

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

export function testBoot(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.testBoot !== undefined) return [];
  if (indexIn(state, 'test') < 0) throw new CommandRefused('test boot', 'only a warm migration has one');
  if (state.phase !== 'waiting')
    throw new CommandRefused('test boot', `the VM must wait between two passes, and it is ${state.phase}`);
  return [{ type: 'TestBootRequested', data: { reason } }];
}

/** @throws CommandRefused */
export function refuseAtEnd(state: VmLive, command: string): void {
  if (isTerminal(state))
    throw new CommandRefused(command, `the migration of the VM has ${state.phase} already`);
  if (state.phase === 'cleaning')
    throw new CommandRefused(
      command,
      `the migration has ${state.cleanup?.outcome ?? 'ended'}, only clean-up is left`,
    );
}
