import type { DomainEvent, ProviderSpec } from '@ledgerlift/contracts';
import { type EntryCommand, type EntryState, changed, decideEntry, withSpec } from './entry.js';

export type ProviderCommand = EntryCommand<ProviderSpec>;

/**
 * @returns no events if nothing changes
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export const decideProvider = (
  command: ProviderCommand,
  state: EntryState<ProviderSpec>,
): readonly DomainEvent[] =>
  decideEntry('provider', 'type', command, state, {
    created: (providerId, spec) => ({ type: 'ProviderCreated', data: { providerId, spec } }),
    updated: (providerId, spec) => ({ type: 'ProviderUpdated', data: { providerId, spec } }),
    deleted: (providerId) => ({ type: 'ProviderDeleted', data: { providerId } }),
  });

export function evolveProvider(
  state: EntryState<ProviderSpec>,
  event: DomainEvent,
  time: string,
): EntryState<ProviderSpec> {
  switch (event.type) {
    case 'ProviderCreated':
    case 'ProviderUpdated':
      return withSpec(state, event.data.providerId, event.data.spec, time);
    case 'ProviderDeleted':
      return changed(state, { deleted: true }, time);
    default:
      return state;
  }
}
