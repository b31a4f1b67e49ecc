import type { DomainEvent, MappingSpec } from '@ledgerlift/contracts';
import { type EntryCommand, type EntryState, changed, decideEntry, withSpec } from './entry.js';

export type MappingCommand = EntryCommand<MappingSpec>;

/**
 * @returns no events if nothing changes
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export const decideMapping = (
  command: MappingCommand,
  state: EntryState<MappingSpec>,
): readonly DomainEvent[] =>
  decideEntry('mapping', 'kind', command, state, {
    created: (mappingId, spec) => ({ type: 'MappingCreated', data: { mappingId, spec } }),
    updated: (mappingId, spec) => ({ type: 'MappingUpdated', data: { mappingId, spec } }),
    deleted: (mappingId) => ({ type: 'MappingDeleted', data: { mappingId } }),
  });

export function evolveMapping(
  state: EntryState<MappingSpec>,
  event: DomainEvent,
  time: string,
): EntryState<MappingSpec> {
  switch (event.type) {
    case 'MappingCreated':
    case 'MappingUpdated':
      return withSpec(state, event.data.mappingId, event.data.spec, time);
    case 'MappingDeleted':
      return changed(state, { deleted: true }, time);
    default:
      return state;
  }
}
