import type { DomainEvent, ProviderSpec } from '@ledgerlift/contracts';
import { type EntryCommand, type EntryState, changed, created, decideEntry } from './entry.js';

export type ProviderCommand = EntryCommand<ProviderSpec>;

/**
 * @returns no events if nothing changes
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export function decideProvider(
  command: ProviderCommand,
  state: EntryState<ProviderSpec>,
): readonly DomainEvent[] {
  const providerId = command.id;
  const decision = decideEntry('provider', 'type', command, state);
  switch (decision.is) {
    case 'created':
      return [{ type: 'ProviderCreated', data: { providerId, spec: decision.spec } }];
    case 'updated':
      return [{ type: 'ProviderUpdated', data: { providerId, spec: decision.spec } }];
    case 'deleted':
      return [{ type: 'ProviderDeleted', data: { providerId } }];
    case 'unchanged':
      return [];
  }
}

export function evolveProvider(
  state: EntryState<ProviderSpec>,
  event: DomainEvent,
  time: string,
): EntryState<ProviderSpec> {
  switch (event.type) {
    case 'ProviderCreated':
      return created(event.data.providerId, event.data.spec, time);
    case 'ProviderUpdated':
      return changed(state, { spec: event.data.spec }, time);
    case 'ProviderDeleted':
      return changed(state, { deleted: true }, time);
    default:
      return state;
  }
}
