import type { DomainEvent } from '@ledgerlift/contracts';
import { decideOutcome } from './ending.js';
import { foldLive } from './evolve.js';
import { CommandRefused } from './commands.js';
import { indexIn, isTerminal, openAttempt, pauseOf, type VmLive } from './state.js';

/** Operators' commands to a VM. Each is refused, with the reason, in a state in which it makes no sense. */

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
  if (pauseOf(state) !== undefined) return [];
  refuseAtEnd(state, 'pause');
  if (state.phase === 'held') throw new CommandRefused('pause', 'the VM is held, so nothing is running');
  if (state.cancel !== undefined) throw new CommandRefused('pause', 'the VM is being canceled');
  const event: DomainEvent = { type: 'PauseRequested', data: { reason } };
  const open = openAttempt(state);
  if (open?.status === 'started') return [event];
  return [event, ...pauseNow(foldLive(state, [event]))];
}

/** Pauses at a safe point. */
export const pauseNow = (state: VmLive): readonly DomainEvent[] => [
  ...withdrawn(state, 'paused'),
  { type: 'VmMigrationPaused', data: {} },
];

/** Withdraws a request that no worker has claimed. A worker that claims it later is refused. */
function withdrawn(state: VmLive, reason: string): readonly DomainEvent[] {
  const open = openAttempt(state);
  if (open?.status !== 'requested') return [];
  const { step, attempt, lastReport } = open;
  return [{ type: 'StepStopped', data: { step, attempt, report: lastReport, reason } }];
}

export function resume(state: VmLive, reason: string): readonly DomainEvent[] {
  refuseAtEnd(state, 'resume');
  if (pauseOf(state) === undefined) throw new CommandRefused('resume', 'the VM is not paused');
  return [{ type: 'ResumeRequested', data: { reason } }];
}

export function testBoot(state: VmLive, reason: string): readonly DomainEvent[] {
  if (state.testBoot !== undefined) return [];
  if (indexIn(state, 'test') < 0)
    throw new CommandRefused('test boot', 'only a warm migration has a test boot');
  if (state.phase !== 'waiting')
    throw new CommandRefused(
      'test boot',
      `the VM must be waiting between two rounds, and it is ${state.phase}`,
    );
  return [{ type: 'TestBootRequested', data: { reason } }];
}

/** @throws CommandRefused */
export function refuseAtEnd(state: VmLive, command: string): void {
  if (isTerminal(state))
    throw new CommandRefused(command, `the migration of the VM has ${state.phase} already`);
  if (state.phase === 'cleaning')
    throw new CommandRefused(
      command,
      `the migration has ended (${state.cleanup.outcome}) and only its clean-up is left`,
    );
}
