import type { Condition, DomainEvent, Outcome } from '@ledgerlift/contracts';
import { type VmFacts, type VmLive, evolveVm } from '@ledgerlift/migration';

export interface VmAsNeeded extends Partial<VmFacts> {
  /** The phase to move to, by events; undefined: stays. */
  readonly phase?: 'planned' | 'running' | Outcome;
  /** When it ended, for an outcome. */
  readonly endedAt?: string;
  /** Further events after it has ended. */
  readonly afterwards?: readonly DomainEvent[];
}

const ends = {
  succeeded: 'VmMigrationSucceeded',
  failed: 'VmMigrationFailed',
  canceled: 'VmMigrationCanceled',
  'rolled-back': 'VmMigrationRolledBack',
} as const satisfies Record<Outcome, DomainEvent['type']>;

/** Moves a VM to where a spec needs it, whatever would lead it there. */
export function vmInPhase(
  state: VmLive,
  { phase, endedAt = '2026-11-23T12:00:00.000Z', afterwards = [], ...facts }: VmAsNeeded,
): VmLive {
  const events = [...(phase === undefined ? [] : eventsTo(phase)), ...afterwards];
  const moved = events.reduce<VmLive>((live, event) => evolveVm(live, event, endedAt) ?? live, state);
  return { ...moved, ...facts };
}

function eventsTo(phase: NonNullable<VmAsNeeded['phase']>): readonly DomainEvent[] {
  if (phase === 'planned') return [{ type: 'RetryRequested', data: { step: 'Initialize', reason: '' } }];
  if (phase === 'running') return [{ type: 'VmMigrationAdmitted', data: {} }];
  const condition: Condition = {
    type: 'Ended',
    category: 'Advisory',
    reason: 'Spec',
    message: phase,
    items: [],
    durable: true,
  };
  return [
    { type: 'CleanupDecided', data: { outcome: phase, steps: [], release: [], keep: [] } },
    { type: ends[phase], data: { condition, kept: [] } },
  ];
}
