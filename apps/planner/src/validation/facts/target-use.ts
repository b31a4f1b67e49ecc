import type { ProviderSpec, VmRecord } from '@ledgerlift/contracts';
import type { DiskUser, TargetUse } from '@ledgerlift/targets';
import { hasTargetLetGo } from '@ledgerlift/migration';
import type { Entry } from '../../catalog/index.js';
import type { RunService } from '../../runs/run-service.js';

type Runs = Pick<RunService, 'migrations'>;

/** Places that migrations under way have at a target, though nothing may be there yet. By `namespace/name`. */
export function usersOfPlaces(runs: Runs, target: Entry<ProviderSpec>): TargetUse['places'] {
  const users = new Map<string, string>();
  for (const { migrationId, vms, completedAt } of runs.migrations()) {
    if (completedAt !== undefined) continue;
    for (const { state } of vms) {
      if (state?.record.target.providerId !== target.id) continue;
      const { targetNamespace, targetName } = state.record;
      users.set(`${targetNamespace}/${targetName}`, `migration ${migrationId} is making it`);
    }
  }
  return users;
}

/**
 * Which disks at the target a migration has adopted, and not given back: by a rollback, and by a cancel or being given up as
 * long as its target was not allowed to start. A migration that succeeded has them for its VM until a plan says that it takes them.
 *
 * @param isOwn whether a record is one of those that are asked for
 * @returns by name of the disk: who uses it, in words
 */
export function usersOfDisks(
  runs: Runs,
  target: Entry<ProviderSpec>,
  isOwn: (record: VmRecord) => boolean,
): TargetUse['disks'] {
  const users = new Map<string, DiskUser>();
  for (const run of runs.migrations()) {
    // All VMs of a run are migrated in one way.
    if (run.vm(0)?.state?.record.settings.type !== 'conversion') continue;
    for (const { state } of run.vms) {
      if (state === undefined || state.record.target.providerId !== target.id || isOwn(state.record))
        continue;
      const isGivenUp = state.phase === 'canceled' || state.abandoned;
      if (state.phase === 'rolled-back' || (isGivenUp && !hasTargetLetGo(state))) continue;
      const isLetGo = isGivenUp
        ? ', after its target was allowed to start; roll it back, or delete the target'
        : '';
      const user: DiskUser = {
        what: `migration ${run.migrationId} has it for '${state.record.targetName}', and ${state.phase}${isLetGo}`,
        // One that failed may be tried again: it is canceled or given up before somebody else has its disks.
        givesUp: state.phase === 'succeeded' ? run.migrationId : undefined,
      };
      // Runs come in the order of their starts: who took a disk from another has it after that one.
      for (const { name, adopted } of state.record.disks) if (adopted === true) users.set(name, user);
    }
  }
  return users;
}
