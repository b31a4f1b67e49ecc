import type { DomainEvent, ProviderSpec } from '@ledgerlift/contracts';
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

export type ProviderCommand =
  | ({ readonly kind: 'create'; readonly id: string; readonly spec: ProviderSpec } & Pick<
      Surroundings,
      'nameOwner'
    >)
  | ({ readonly kind: 'update'; readonly id: string; readonly spec: ProviderSpec } & Surroundings)
  | ({ readonly kind: 'delete'; readonly id: string } & Pick<Surroundings, 'usedBy'>);

/**
 * @returns none where the provider is so already
 * @throws NotInCatalog, NameTaken, InUse, KindIsFixed
 */
export function decideProvider(
  command: ProviderCommand,
  state: EntryState<ProviderSpec>,
): readonly DomainEvent[] {
  const providerId = command.id;
  if (command.kind === 'create') {
    requireFreeName('provider', providerId, command.spec.name, command);
    return [{ type: 'ProviderCreated', data: { providerId, spec: command.spec } }];
  }
  const { spec } = existing('provider', providerId, state);
  if (command.kind === 'delete') {
    requireUnused('provider', spec.name, command);
    return [{ type: 'ProviderDeleted', data: { providerId } }];
  }
  if (command.spec.type !== spec.type)
    throw new KindIsFixed('provider', 'type', spec.type, command.spec.type);
  requireFreeName('provider', providerId, command.spec.name, command);
  requireNameUnused('provider', spec.name, command.spec.name, command);
  if (isSame(spec, command.spec)) return [];
  return [{ type: 'ProviderUpdated', data: { providerId, spec: command.spec } }];
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
