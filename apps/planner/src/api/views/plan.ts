import type { PlanSpec, PlanStatus, PlanView } from '@ledgerlift/contracts';
import type { Entry } from '../../catalog/index.js';
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
