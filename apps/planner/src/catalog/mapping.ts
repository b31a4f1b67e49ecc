import type { DomainEvent, MappingSpec } from '@ledgerlift/contracts';
import {
  type EntryState,
  type Surroundings,
  changed,
  created,
  existing,
  isSame,
  requireFreeName,
  requireNameUnused,
  requireUnused,
} from './entry.js';
import { KindIsFixed } from './errors.js';

export type MappingCommand =
  | ({ readonly kind: 'create'; readonly id: string; readonly spec: MappingSpec } & Pick<
      Surroundings,
      'nameOwner'
    >)
  | ({ readonly kind: 'update'; readonly id: string; readonly spec: MappingSpec } & Surroundings)
  | ({ readonly kind: 'delete'; readonly id: string } & Pick<Surroundings, 'usedBy'>);

/**
 * @returns none where the mapping is so already
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export function decideMapping(
  command: MappingCommand,
  state: EntryState<MappingSpec>,
): readonly DomainEvent[] {
  const mappingId = command.id;
  if (command.kind === 'create') {
    requireFreeName('mapping', mappingId, command.spec.name, command);
    return [{ type: 'MappingCreated', data: { mappingId, spec: command.spec } }];
  }
  const { spec } = existing('mapping', mappingId, state);
  if (command.kind === 'delete') {
    requireUnused('mapping', spec.name, command);
    return [{ type: 'MappingDeleted', data: { mappingId } }];
  }
  if (command.spec.kind !== spec.kind) throw new KindIsFixed('mapping', 'kind', spec.kind, command.spec.kind);
  requireFreeName('mapping', mappingId, command.spec.name, command);
  requireNameUnused('mapping', spec.name, command.spec.name, command);
  if (isSame(spec, command.spec)) return [];
  return [{ type: 'MappingUpdated', data: { mappingId, spec: command.spec } }];
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
