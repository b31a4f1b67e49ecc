import type { DomainEvent } from '@ledgerlift/contracts';
import type { CommandOf } from './commands.js';
import { decideLaterCleanup, decideOutcome, deletableTarget, leftoversOf } from './ending.js';
import { foldLive } from './evolve.js';
import { placeAfterFailure } from './going-back.js';
import { targetStarts, wouldOverwriteTarget } from './let-go.js';
import { CommandRefused, TargetWasLetGo } from './refusals.js';
import { requestCurrentStep } from './requests.js';
import { isTerminal, lastAttemptOf, startedSince, type VmLive } from './state.js';

/** What an operator may ask of a VM that has reached its end, or is held. */

export function retry(state: VmLive, { reason, record }: CommandOf<'retry'>): readonly DomainEvent[] {
  const isScheduled = !state.abandoned && state.phase === 'running' && state.retryAt !== undefined;
  if (isScheduled && record === undefined) return requestCurrentStep(state);
  const refusal = retryRefusal(state);
  if (refusal !== undefined) throw refusal;
  const step = state.itinerary[placeAfterFailure(state).at]?.step;
  if (step === undefined) throw new CommandRefused('retry', 'every step is completed');
  const event: DomainEvent = {
    type: 'RetryRequested',
    data: { step, reason, ...(record === undefined ? {} : { record }) },
  };
  return [event, ...withdrawnByPlan(state, foldLive(state, [event]))];
}

/** Why the VM cannot be tried again; undefined where it can. */
export function retryRefusal(state: VmLive): CommandRefused | undefined {
  const refused = (reason: string): CommandRefused => new CommandRefused('retry', reason);
  if (state.abandoned)
    return refused('the VM was abandoned, and what a retry needs is gone; start the plan again');
  if (state.phase !== 'failed' && state.phase !== 'held')
    return refused(`only a VM that failed or is held can be tried again, and this one is ${state.phase}`);
  if (state.targetDeleted) return refused('the target was deleted; start the plan again');
  if (state.rollback !== undefined)
    return refused('a rollback was asked for; ask for it again, or start the plan again');
  return wouldOverwriteTarget(placeAfterFailure(state)) ? new TargetWasLetGo('retry') : undefined;
}

/** The plan says another time now, and the source has not been powered off yet: its policy schedules the cutover anew. */
function withdrawnByPlan(before: VmLive, after: VmLive): readonly DomainEvent[] {
  const isSame =
    JSON.stringify(before.record.settings.warm.cutover) ===
    JSON.stringify(after.record.settings.warm.cutover);
  const isScheduled = after.cutover !== undefined && after.cutover.by !== 'command';
  const isOff = startedSince(after, 'SourcePowerOff', 'SourcePowerOn').some(
    ({ status }) => status === 'completed',
  );
  if (isSame || isOff || !(isScheduled || after.cutoverWithdrawn)) return [];
  return [
    {
      type: 'CutoverWithdrawn',
      data: { reason: 'the plan names another time for the cutover', next: 'policy' },
    },
  ];
}

export function rollback(state: VmLive, { reason, at }: CommandOf<'rollback'>): readonly DomainEvent[] {
  if (state.phase === 'rolled-back') return [];
  if (state.targetDeleted) throw new CommandRefused('rollback', 'the target was deleted');
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
  if (state.abandoned) return [];
  if (state.phase !== 'failed')
    throw new CommandRefused('abandon', `only a failed VM can be abandoned, and this one is ${state.phase}`);
  const event: DomainEvent = { type: 'VmMigrationAbandoned', data: { reason } };
  return [event, ...decideOutcome(foldLive(state, [event]), 'failed', undefined, 'abandoned')];
}

/** Also asked by the planner itself, now and then: nothing happens where nothing is left. */
export function cleanUp(state: VmLive, reason: string): readonly DomainEvent[] {
  if (!isTerminal(state))
    throw new CommandRefused(
      'clean-up',
      `only a VM at its end has something left to remove, and this one is ${state.phase}`,
    );
  return decideLaterCleanup(state, reason, 'leftovers');
}

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * When the planner itself asks for the next clean-up of what was left: after an hour, then after twice as long each time, at
 * most a day, so that a source that never comes back does not fill the log. When the source is seen to be back, after a
 * minute, and longer each time, for one that comes and goes.
 *
 * @returns milliseconds since 1970; undefined where nothing is left
 */
export function leftoversDueAt(
  state: VmLive,
  source: 'not-looked-at' | 'back' = 'not-looked-at',
): number | undefined {
  if (state.endedAt === undefined || leftoversOf(state).length === 0) return undefined;
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
      `it names ${targetName}, and the target of this VM is ${state.record.targetName}`,
    );
  if (deletableTarget(state).length === 0) {
    if (state.targetDeleted) return [];
    throw new CommandRefused('delete-target', 'the VM has no target that was allowed to start');
  }
  return decideLaterCleanup(state, reason, 'target');
}
