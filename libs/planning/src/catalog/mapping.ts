import type { DomainEvent, MappingSpec } from '@ledgerlift/contracts';
import { type EntryCommand, type EntryState, changed, created, decideEntry } from './entry.js';

export type MappingCommand = EntryCommand<MappingSpec>;

/**
 * @returns no events if nothing changes
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export function decideMapping(
  command: MappingCommand,
  state: EntryState<MappingSpec>,
): readonly DomainEvent[] {
  const mappingId = command.id;
  const decision = decideEntry('mapping', 'kind', command, state);
  switch (decision.is) {
    case 'created':
      return [{ type: 'MappingCreated', data: { mappingId, spec: decision.spec } }];
    case 'updated':
      return [{ type: 'MappingUpdated', data: { mappingId, spec: decision.spec } }];
    case 'deleted':
      return [{ type: 'MappingDeleted', data: { mappingId } }];
    case 'unchanged':
      return [];
  }
}

export function evolveMapping(
  state: EntryState<MappingSpec>,
  event: DomainEvent,
  time: string,
): EntryState<MappingSpec> {
  switch (event.type) {
    case 'MappingCreated':
      return created(event.data.mappingId, event.data.spec, time);
    case 'MappingUpdated':
      return changed(state, { spec: event.data.spec }, time);
    case 'MappingDeleted':
      return changed(state, { deleted: true }, time);
    default:
      return state;
  }
}
