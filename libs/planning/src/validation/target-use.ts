import type { ProviderSpec, VmRecord } from '@ledgerlift/contracts';
import { hasTargetLetGo, isAbandoned, type VmState } from '@ledgerlift/migration';
import { expectedDiskTools } from '@ledgerlift/providers';
import { type DiskUser, isTarget, targetOf, type TargetUse } from '@ledgerlift/targets';
import type { Entry } from '../catalog/index.js';
import type { SiteWorkers } from './plan-facts.js';

/** All migrations started so far, with the present state of their VMs. */
export interface StartedMigrations {
  /** In order of their starts. */
  migrations(): readonly StartedMigration[];
}

interface StartedMigration {
  readonly migrationId: string;
  readonly completedAt: string | undefined;
  /** Computed on access, because there may be ten thousand. */
  readonly vms: readonly StartedVm[];
  vm(index: number): StartedVm | undefined;
}

interface StartedVm {
  readonly state: VmState;
}

/** Target names, as `namespace/name`, that running migrations occupy, even if nothing exists there yet. */
export function usersOfPlaces(runs: StartedMigrations, target: Entry<ProviderSpec>): TargetUse['places'] {
  const users = new Map<string, string>();
  for (const { migrationId, vms, completedAt } of runs.migrations()) {
    if (completedAt !== undefined) continue;
    for (const { state } of vms) {
      if (state?.record.target.providerId !== target.id) continue;
      const { targetNamespace, targetName } = state.record;
      users.set(`${targetNamespace}/${targetName}`, `migration ${migrationId} is creating it`);
    }
  }
  return users;
}

/**
 * The disks at the target that a migration adopted and still uses. A rollback frees them, and so does a cancel or abandonment if
 * the target was never allowed to start. A migration that succeeded keeps them until a plan says `takenFrom`.
 *
 * @param isOwn whether a record is one of the VMs under validation
 * @returns the user of each disk in words, by the disk's name
 */
export function usersOfDisks(
  runs: StartedMigrations,
  target: Entry<ProviderSpec>,
  isOwn: (record: VmRecord) => boolean,
): TargetUse['disks'] {
  const users = new Map<string, DiskUser>();
  for (const run of runs.migrations()) {
    // All VMs of a run have the same type.
    if (run.vm(0)?.state?.record.settings.type !== 'conversion') continue;
    for (const { state } of run.vms) {
      if (state === undefined || state.record.target.providerId !== target.id || isOwn(state.record))
        continue;
      const isGivenUp = state.phase === 'canceled' || isAbandoned(state);
      if (state.phase === 'rolled-back' || (isGivenUp && !hasTargetLetGo(state))) continue;
      const isLetGo = isGivenUp
        ? ', but its target was allowed to start; roll it back, or delete the target'
        : '';
      const user: DiskUser = {
        what: `migration ${run.migrationId} uses it for '${state.record.targetName}' (${state.phase}${isLetGo})`,
        // A failed migration may be retried: cancel or abandon it before another one uses its disks.
        givesUp: state.phase === 'succeeded' ? run.migrationId : undefined,
      };
      // Runs are in order of their starts, so a migration that took a disk from another overwrites that one here.
      for (const { name, adopted } of state.record.disks) if (adopted === true) users.set(name, user);
    }
  }
  return users;
}

/** Settings of the target for its worker pods; undefined if workers of a site read the disks, not pods. */
export function environmentOfPods(
  target: ProviderSpec | undefined,
): Readonly<Record<string, string>> | undefined {
  if (target === undefined || !isTarget(target)) return undefined;
  return targetOf(target.type).pods?.environment(target);
}

/** Expected tools of pods that will read the disks, by the target's settings: the pods do not exist yet. */
export function readingInPods(found: SiteWorkers, target: ProviderSpec | undefined): SiteWorkers {
  const environment = environmentOfPods(target);
  if (target === undefined || environment === undefined) return found;
  const expected = Object.entries(expectedDiskTools(environment)).map(([name, tool]) => [
    name,
    tool && { ...tool, problems: tool.problems.map((each) => `worker pods of '${target.name}': ${each}`) },
  ]);
  return { ...found, transferTools: { ...found.transferTools, ...Object.fromEntries(expected) } };
}
