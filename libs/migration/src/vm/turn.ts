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

/** What the VM has to do with the turns of those that remove snapshots. */
export function turnOf(state: VmLive): 'awaited' | 'taken' | undefined {
  if (state.turn !== undefined) return 'awaited';
  const open = openAttempt(state);
  return open !== undefined && mergesDisks(state, open) ? 'taken' : undefined;
}

/** What a VM that wants to remove snapshots says to the schedule. A snapshot is one of all disks of the VM. */
export const removalEntryOf = (state: VmLive): RemovalEntry => ({
  migrationId: state.record.migrationId,
  vm: state.record.index,
  provider: state.record.source.provider.id,
  storages: disksByStorage(state.record.source.vm.disks),
  urgent: state.phase === 'running' && partOf(state) === 'cutover',
});

/** @returns how many of the disks are on each storage */
export function disksByStorage(disks: readonly { readonly storage: string }[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(disks, ({ storage }) => storage)].map(([storage, on]) => [storage, on.length]),
  );
}

const mergesDisks = (
  { record }: VmLive,
  { step, release = [] }: { readonly step: StepName; readonly release?: readonly Resource[] | undefined },
): boolean =>
  record.source.vm.disks.length > 0 &&
  (step === 'SnapshotRemoval' || release.some(({ kind }) => kind === 'snapshot'));
