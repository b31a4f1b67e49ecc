import type { DomainEvent, EventOf, Resource, StepName } from '@ledgerlift/contracts';
import type { RemovalEntry, RemovalSlots } from '../schedule/removal-slots.js';
import { awaitedRemovalOf, openAttempt, partOf, retryOf, type VmLive } from './state.js';

type Request = EventOf<'StepRequested'>['data'];

/** @returns the step's request; for a step that removes snapshots, the wait for a removal slot first */
export const asked = (state: VmLive, data: Request): EventOf<'StepRequested' | 'RemovalSlotAwaited'> =>
  mergesDisks(state, data) ? { type: 'RemovalSlotAwaited', data } : { type: 'StepRequested', data };

/** The VM was given its removal slot: requests the step that waited for it. */
export function takeRemovalSlot(state: VmLive): readonly DomainEvent[] {
  const awaited = awaitedRemovalOf(state);
  return awaited === undefined ? [] : [{ type: 'StepRequested', data: awaited }];
}

/**
 * Whether the VM waits for a removal slot or uses one. It keeps the slot until a removal that began is over: the source goes
 * on merging even if the worker was lost, was stopped or gave up waiting.
 */
export function removalSlotOf(state: VmLive): 'awaited' | 'taken' | undefined {
  if (awaitedRemovalOf(state) !== undefined) return 'awaited';
  const open = openAttempt(state);
  if (open !== undefined && mergesDisks(state, open)) return 'taken';
  return isToGoOn(state) && mayMergeStill(state) ? 'taken' : undefined;
}

/** The VM will continue by itself: a VM that waits for an operator keeps no slot. */
const isToGoOn = (state: VmLive): boolean => state.phase === 'cleaning' || retryOf(state) !== undefined;

function mayMergeStill(state: VmLive): boolean {
  const last = state.attempts.findLast((attempt) => mergesDisks(state, attempt));
  return last?.startedAt !== undefined && last.status !== 'completed';
}

/** The VM's request for a removal slot. A snapshot covers all disks of the VM. */
export const removalEntryOf = (state: VmLive): RemovalEntry => ({
  migrationId: state.record.migrationId,
  vm: state.record.index,
  provider: state.record.source.provider.id,
  ...storagesOf(state.record.source.vm.disks),
  urgent: state.phase === 'running' && partOf(state) === 'cutover',
});

/** @returns how many of the disks are on each storage, by its id */
export function disksByStorage(
  disks: readonly { readonly storage: string; readonly storageId?: string | undefined }[],
): Record<string, number> {
  // Names of storages may repeat, but not in sources without ids.
  const groups = Map.groupBy(disks, ({ storage, storageId }) => storageId ?? storage);
  return Object.fromEntries([...groups].map(([storage, on]) => [storage, on.length]));
}

/** The VM's disks by storage: counts by id, and the names of those ids. */
export function storagesOf(
  disks: readonly { readonly storage: string; readonly storageId?: string | undefined }[],
): Pick<RemovalEntry, 'storages' | 'storageNames'> {
  const named = disks.flatMap(({ storage, storageId }) =>
    storageId === undefined || storageId === storage ? [] : [[storageId, storage] as const],
  );
  const storages = disksByStorage(disks);
  return named.length === 0 ? { storages } : { storages, storageNames: Object.fromEntries(named) };
}

function mergesDisks(
  state: VmLive,
  { step, release = [] }: { readonly step: StepName; readonly release?: readonly Resource[] | undefined },
): boolean {
  if (state.record.source.vm.disks.length === 0) return false;
  if (step === 'SnapshotCreation') return beginsTracking(state);
  return step === 'SnapshotRemoval' || release.some(({ kind }) => kind === 'snapshot');
}

/** Change tracking starts with the first snapshot, which is then replaced by one that can report changes. */
const beginsTracking = ({ record, results }: VmLive): boolean =>
  record.settings.warm.enableChangeTracking && results.every(({ step }) => step !== 'SnapshotCreation');

/** @returns the schedule's events for a VM that wants a removal slot, uses one, or no longer needs it */
export function removalChange(slots: RemovalSlots, state: VmLive): readonly DomainEvent[] {
  switch (removalSlotOf(state)) {
    case 'awaited':
      return slots.enqueue(removalEntryOf(state));
    case 'taken':
      return slots.took(removalEntryOf(state));
    case undefined:
      return slots.release(state.record.migrationId, state.record.index);
  }
}

/** Whether the VM was given the removal slot that it waits for. */
export const mayTakeRemovalSlot = (slots: RemovalSlots, state: VmLive): boolean =>
  removalSlotOf(state) === 'awaited' &&
  slots.stateOf(state.record.migrationId, state.record.index) === 'given';
