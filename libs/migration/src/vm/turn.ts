import type { DomainEvent, EventOf, Resource, StepName } from '@ledgerlift/contracts';
import type { RemovalEntry } from '../schedule/removal-turns.js';
import { openAttempt, partOf, type VmLive } from './state.js';

type Request = EventOf<'StepRequested'>['data'];

/** The request itself; where it removes snapshots, the wish for a turn first. */
export const asked = (state: VmLive, data: Request): EventOf<'StepRequested' | 'RemovalTurnAwaited'> =>
  mergesDisks(state, data) ? { type: 'RemovalTurnAwaited', data } : { type: 'StepRequested', data };

/** It has its turn. */
export const takeTurn = ({ turn }: VmLive): readonly DomainEvent[] =>
  turn === undefined ? [] : [{ type: 'StepRequested', data: turn }];

/**
 * What the VM has to do with the turns of those that remove snapshots. It keeps its turn until a removal that was begun
 * is over: that a worker was lost, stopped or no longer waited says nothing about the source, which merges on.
 */
export function turnOf(state: VmLive): 'awaited' | 'taken' | undefined {
  if (state.turn !== undefined) return 'awaited';
  const open = openAttempt(state);
  if (open !== undefined && mergesDisks(state, open)) return 'taken';
  return isToGoOn(state) && mayMergeStill(state) ? 'taken' : undefined;
}

/** What it has begun comes next, or at its end: a turn is never kept by who waits for an operator. */
const isToGoOn = ({ phase, retryAt }: VmLive): boolean =>
  phase === 'cleaning' || (phase === 'running' && retryAt !== undefined);

function mayMergeStill(state: VmLive): boolean {
  const last = state.attempts.findLast((attempt) => mergesDisks(state, attempt));
  return last?.startedAt !== undefined && last.status !== 'completed';
}

/** What a VM that wants to remove snapshots says to the schedule. A snapshot is one of all disks of the VM. */
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
  // Two storages may have one name; sources without ids have none that do.
  const groups = Map.groupBy(disks, ({ storage, storageId }) => storageId ?? storage);
  return Object.fromEntries([...groups].map(([storage, on]) => [storage, on.length]));
}

/** Counted by id, and called by name. */
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

/** Changes are tracked from the first snapshot on, which is removed for another that can tell of them. */
const beginsTracking = ({ record, results }: VmLive): boolean =>
  record.settings.warm.enableChangeTracking && results.every(({ step }) => step !== 'SnapshotCreation');
