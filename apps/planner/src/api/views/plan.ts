import type { PlanSelection, PlanSpec, PlanStatus, PlanView } from '@ledgerlift/contracts';
import type { Entry, JudgedSelection } from '@ledgerlift/planning';
import type { MigrationRun } from '../../runs/run-service.js';
import type { PlanValidationResult } from '../plan-runs.js';
import { storedView } from './catalog.js';
import { countVms } from './counts.js';
import { migrationProgress, migrationStatus } from './migration.js';

export function planView(
  entry: Entry<PlanSpec>,
  validation: PlanValidationResult | undefined,
  migrations: readonly MigrationRun[],
): PlanView {
  const own = migrations
    .filter(({ planId }) => planId === entry.id)
    .toSorted((one, other) => one.startedAt.localeCompare(other.startedAt));
  const latest = own.at(-1);
  return {
    ...storedView(entry),
    status: planStatus(entry, validation, latest),
    archived: entry.archived,
    conditions: [...(validation?.conditions ?? [])],
    ...(validation === undefined ? {} : { validatedAt: validation.at }),
    ...(latest === undefined ? {} : { counts: countVms(latest), progressPercent: migrationProgress(latest) }),
    migrations: own.map(({ migrationId }) => migrationId),
  };
}

function planStatus(
  { archived }: Entry<PlanSpec>,
  validation: PlanValidationResult | undefined,
  latest: MigrationRun | undefined,
): PlanStatus {
  if (archived) return 'archived';
  if (latest !== undefined) {
    const status = migrationStatus(latest);
    return status === 'canceling' ? 'running' : status;
  }
  if (validation === undefined) return 'new';
  return validation.isReady ? 'ready' : 'not-ready';
}

/** Lists only VMs that the source has. The conditions name the missing ones. */
export function selectionView(
  { id, spec }: Entry<PlanSpec>,
  inventoryTakenAt: string,
  { vms, leftOut, conditions }: JudgedSelection,
): PlanSelection {
  return {
    planId: id,
    inventoryTakenAt,
    vms: vms.flatMap(({ vm, entry, by, targetName, targetNamespace }) =>
      vm === undefined
        ? []
        : [
            {
              sourceId: vm.id,
              name: vm.name,
              ...(vm.folder === undefined ? {} : { folder: vm.folder }),
              targetName,
              targetNamespace,
              wave: entry.wave ?? 1,
              priority: entry.priority ?? spec.priority,
              by: [...by],
            },
          ],
    ),
    leftOut: leftOut.map(({ id: sourceId, name }) => ({ sourceId, name })),
    conditions: [...conditions],
  };
}
