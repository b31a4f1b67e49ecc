import type { DomainEvent } from '@ledgerlift/contracts';
import { claim, lose, reject, report } from './attempts.js';
import { CommandRefused, type VmCommand } from './commands.js';
import { foldLive } from './evolve.js';
import { answerHook, wake } from './waits.js';
import { abandon, cleanUp, deleteTarget, retry, rollback } from './after-end.js';
import { approveCutover, cutover, withdrawCutover } from './cutover.js';
import { cancel, pause, resume, testBoot } from './operator.js';
import { beginCutover, cutoverIsDue, releaseCutover } from './passes.js';
import { deferredAtPowerOff, type Windows } from './power-off.js';
import { requestCurrentStep } from './requests.js';
import { partOf, type VmLive, type VmState } from './state.js';
import { takeRemovalSlot } from './removal-slot.js';

/**
 * Decides what follows from a command, given the VM's history. Every decision about a VM is made here.
 *
 * @param windows of the plan and the installation: a cold VM is powered off only while they are open
 * @returns the events to append at the revision of `state`; none if the command changes nothing
 * @throws CommandRefused, AttemptSuperseded
 */
export function decideVm(command: VmCommand, state: VmState, windows: Windows = []): readonly DomainEvent[] {
  if (command.kind === 'plan') {
    if (state !== undefined) throw new CommandRefused('plan', 'the VM is already planned in this migration');
    return [
      { type: 'VmMigrationPlanned', data: { record: command.record, itinerary: [...command.itinerary] } },
    ];
  }
  if (state === undefined) throw new CommandRefused(command.kind, 'the VM is not part of this migration');
  switch (command.kind) {
    case 'admit':
      return admit(state, command.at, windows);
    case 'take-removal-slot':
      return takeRemovalSlot(state);
    case 'claim':
      return claim(state, command, windows);
    case 'report':
      return report(state, command, windows);
    case 'lose':
      return lose(state, command);
    case 'reject':
      return reject(state, command);
    case 'answer-hook':
      return answerHook(state, command);
    case 'wake':
      return wake(state, command);
    case 'pause':
      return pause(state, command.reason);
    case 'resume':
      return resume(state, command.reason);
    case 'cutover':
      return cutover(state, command);
    case 'approve-cutover':
      return approveCutover(state, command);
    case 'withdraw-cutover':
      return withdrawCutover(state, command);
    case 'release-cutover':
      return releaseCutover(state, command.hooks);
    case 'test-boot':
      return testBoot(state, command.reason);
    case 'cancel':
      return cancel(state, command.reason);
    case 'retry':
      return retry(state, command);
    case 'rollback':
      return rollback(state, command);
    case 'abandon':
      return abandon(state, command.reason);
    case 'clean-up':
      return cleanUp(state, command.reason);
    case 'delete-target':
      return deleteTarget(state, command);
  }
}

function admit(state: VmLive, at: Date, windows: Windows): readonly DomainEvent[] {
  if (state.phase !== 'planned') return [];
  // The window closed while the VM waited for a slot: it gives the slot back.
  const deferred = deferredAtPowerOff(state, at, windows);
  if (deferred.length > 0) return deferred;
  // The cutover came due while the VM waited for a slot: the round that it waited for is no longer needed.
  const isOvertaken = partOf(state) === 'precopy' && cutoverIsDue(state, at);
  const first = isOvertaken ? beginCutover(state, at, 'complete') : [];
  const admitted: DomainEvent = { type: 'VmMigrationAdmitted', data: {} };
  return [...first, admitted, ...requestCurrentStep(foldLive(state, [...first, admitted]))];
}
