import type { DomainEvent, PlanSpec } from '@ledgerlift/contracts';
import {
  type EntryState,
  type Surroundings,
  changed,
  existing,
  isSame,
  requireFreeName,
  withSpec,
} from './entry.js';
import { PlanIsArchived, PlanRunning } from './errors.js';

export type PlanCommand =
  | ({ readonly kind: 'create' | 'update'; readonly id: string; readonly spec: PlanSpec } & Pick<
      Surroundings,
      'nameOwner'
    >)
  | {
      readonly kind: 'archive' | 'delete';
      readonly id: string;
      /** The plan's migration that has not ended. */
      readonly running: string | undefined;
    };

/**
 * A plan may be changed while its migration runs: the run continues as recorded, and only a retry uses the change.
 *
 * @returns no events if nothing changes
 * @throws NotInCatalog, NameTaken, PlanRunning, PlanIsArchived
 */
export function decidePlan(command: PlanCommand, state: EntryState<PlanSpec>): readonly DomainEvent[] {
  const planId = command.id;
  if (command.kind === 'create') {
    requireFreeName('plan', planId, command.spec.name, command);
    return [{ type: 'PlanCreated', data: { planId, spec: command.spec } }];
  }
  const { spec, archived } = existing('plan', planId, state);
  switch (command.kind) {
    case 'update':
      if (archived) throw new PlanIsArchived(spec.name, 'update');
      requireFreeName('plan', planId, command.spec.name, command);
      return isSame(spec, command.spec)
        ? []
        : [{ type: 'PlanUpdated', data: { planId, spec: command.spec } }];
    case 'archive':
      if (archived) return [];
      requireNotRunning(spec.name, command);
      return [{ type: 'PlanArchived', data: { planId } }];
    case 'delete':
      requireNotRunning(spec.name, command);
      return [{ type: 'PlanDeleted', data: { planId } }];
  }
}

export function evolvePlan(
  state: EntryState<PlanSpec>,
  event: DomainEvent,
  time: string,
): EntryState<PlanSpec> {
  switch (event.type) {
    case 'PlanCreated':
    case 'PlanUpdated':
      return withSpec(state, event.data.planId, event.data.spec, time);
    case 'PlanArchived':
      return changed(state, { archived: true }, time);
    case 'PlanDeleted':
      return changed(state, { deleted: true }, time);
    default:
      return state;
  }
}

function requireNotRunning(
  name: string,
  { kind, running }: { readonly kind: string; readonly running: string | undefined },
): void {
  if (running !== undefined) throw new PlanRunning(name, running, kind);
}
