import { type RunState, type ScheduleEntry, type VmLive, partOf } from '@ledgerlift/migration';

/** What a VM that waits for a place says to the schedule. */
export function entryOf(state: VmLive, { migrationId, started }: RunState): ScheduleEntry {
  const { record } = state;
  const { vm, provider } = record.source;
  return {
    migrationId,
    vm: record.index,
    planId: started.planId,
    priority: record.priority ?? started.spec.priority,
    maxConcurrent: started.spec.maxConcurrentMigrations,
    purpose: purposeOf(state),
    provider: provider.id,
    ...(vm.host === undefined ? {} : { host: vm.host }),
    target: record.target.providerId,
    demand: {
      cpus: vm.cpu.count,
      memoryBytes: vm.memory.bytes,
      storageBytes: vm.disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0),
    },
    windows: started.spec.windows,
  };
}

function purposeOf(state: VmLive): ScheduleEntry['purpose'] {
  const part = partOf(state);
  if (part === 'cutover') return 'cutover';
  if (part === 'precopy') return 'precopy';
  return state.admittedAt === undefined ? 'begin' : 'go-on';
}
