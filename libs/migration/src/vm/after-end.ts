import type { DomainEvent } from '@ledgerlift/contracts';
import { type CommandOf, CommandRefused, TargetWasLetGo } from './commands.js';
import { decideLaterCleanup, decideOutcome, deletableTarget, leftoversOf } from './ending.js';
import { foldLive } from './evolve.js';
import { resumeAfterFailure } from './resume-point.js';
import { targetStarts, wouldOverwriteTarget } from './let-go.js';
import { requestCurrentStep } from './requests.js';
import {
  isAbandoned,
  isTargetDeleted,
  isTerminal,
  lastAttemptOf,
  retryOf,
  startedSince,
  type VmLive,
} from './state.js';

/** Commands of an operator for a VM that has ended, or is held. */

export function retry(state: VmLive, { reason, record }: CommandOf<'retry'>): readonly DomainEvent[] {
  const isScheduled = state.phase === 'running' && retryOf(state) !== undefined;
  if (isScheduled && record === undefined) return requestCurrentStep(state);
  const refusal = retryRefusal(state);
  if (refusal !== undefined) throw refusal;
  const step = state.itinerary[resumeAfterFailure(state).at]?.step;
  if (step === undefined) throw new CommandRefused('retry', 'every step is completed');
  const event: DomainEvent = {
    type: 'RetryRequested',
    data: { step, reason, ...(record === undefined ? {} : { record }) },
  };
  return [event, ...withdrawnByPlan(state, foldLive(state, [event]))];
}

/** Why the VM cannot be retried; undefined if it can. */
export function retryRefusal(state: VmLive): CommandRefused | undefined {
  const refused = (reason: string): CommandRefused => new CommandRefused('retry', reason);
  if (isAbandoned(state))
    return refused('the VM was abandoned, so what a retry needs was removed; start the plan again');
  if (state.phase !== 'failed' && state.phase !== 'held')
    return refused(`only a failed or held VM can be retried, and this one is ${state.phase}`);
  if (state.phase === 'failed' && state.isTargetDeleted)
    return refused('the target was deleted; start the plan again');
  if (state.phase === 'failed' && state.rollback !== undefined)
    return refused('a rollback was requested; request it again, or start the plan again');
  return wouldOverwriteTarget(resumeAfterFailure(state)) ? new TargetWasLetGo('retry') : undefined;
}

/**
 * Withdraws a scheduled cutover whose time the plan changed, if the source is not off yet: the policy schedules
 * another.
 */
function withdrawnByPlan(before: VmLive, after: VmLive): readonly DomainEvent[] {
  const isSame =
    JSON.stringify(before.record.settings.warm.cutover) ===
    JSON.stringify(after.record.settings.warm.cutover);
  const { scheduled, isWithdrawn } = after.cutover;
  const isScheduled = scheduled !== undefined && scheduled.by !== 'command';
  const isOff = startedSince(after, 'SourcePowerOff', 'SourcePowerOn').some(
    ({ status }) => status === 'completed',
  );
  if (isSame || isOff || !(isScheduled || isWithdrawn)) return [];
  return [
    {
      type: 'CutoverWithdrawn',
      data: { reason: 'the plan now names another time for the cutover', next: 'policy' },
    },
  ];
}

export function rollback(state: VmLive, { reason, at }: CommandOf<'rollback'>): readonly DomainEvent[] {
  if (state.phase === 'rolled-back') return [];
  if (isTargetDeleted(state)) throw new CommandRefused('rollback', 'the target was deleted');
  const started = lastAttemptOf(state, 'FinalPowerActions');
  const isAtEnd = state.phase === 'succeeded' || state.phase === 'failed' || state.phase === 'canceled';
  if (!isAtEnd || started === undefined || targetStarts(state) !== 'allowed')
    throw new CommandRefused(
      'rollback',
      `only a VM whose target was started can be rolled back, and this one is ${state.phase}`,
    );
  const lostFrom = lastAttemptOf(state, 'SourcePowerOff')?.endedAt ?? started.requestedAt;
  const event: DomainEvent = {
    type: 'RollbackRequested',
    data: { reason, lostFrom, lostTo: at.toISOString() },
  };
  return [event, ...decideOutcome(foldLive(state, [event]), 'rolled-back')];
}

export function abandon(state: VmLive, reason: string): readonly DomainEvent[] {
  if (isAbandoned(state)) return [];
  if (state.phase !== 'failed')
    throw new CommandRefused('abandon', `only a failed VM can be abandoned, and this one is ${state.phase}`);
  const event: DomainEvent = { type: 'VmMigrationAbandoned', data: { reason } };
  return [event, ...decideOutcome(foldLive(state, [event]), 'failed', undefined, 'abandoned')];
}

/** Also called by the planner itself (see `leftoversDueAt`). @returns no events if nothing is left to remove */
export function cleanUp(state: VmLive, reason: string): readonly DomainEvent[] {
  if (!isTerminal(state))
    throw new CommandRefused(
      'clean-up',
      `only a VM that has ended can be cleaned up, and this one is ${state.phase}`,
    );
  return decideLaterCleanup(state, reason, 'leftovers');
}

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * When the planner itself starts the next clean-up of leftovers: after an hour, then after twice as long each time, up to a
 * day, so that a source that never comes back does not fill the log. Once the source is reachable again, the first delay is a
 * minute; it doubles, too, for a source that comes and goes.
 *
 * @returns milliseconds since 1970; undefined if nothing is left
 */
export function leftoversDueAt(
  state: VmLive,
  source: 'not-looked-at' | 'back' = 'not-looked-at',
): number | undefined {
  if (!isTerminal(state) || leftoversOf(state).length === 0) return undefined;
  const pause = source === 'back' ? MINUTE : HOUR;
  return Date.parse(state.endedAt) + Math.min(DAY, pause * 2 ** Math.min(state.laterCleanups, 10));
}

export function deleteTarget(
  state: VmLive,
  { reason, targetName }: CommandOf<'delete-target'>,
): readonly DomainEvent[] {
  if (state.phase === 'succeeded')
    throw new CommandRefused('delete-target', 'the migration of the VM succeeded; roll it back first');
  if (!isTerminal(state))
    throw new CommandRefused('delete-target', `the VM is ${state.phase}; cancel it first`);
  if (targetName !== state.record.targetName)
    throw new CommandRefused(
      'delete-target',
      `the command names ${targetName}, but the target of this VM is ${state.record.targetName}`,
    );
  if (deletableTarget(state).length === 0) {
    if (state.isTargetDeleted) return [];
    throw new CommandRefused('delete-target', 'the VM has no target that was allowed to start');
  }
  return decideLaterCleanup(state, reason, 'target');
}
