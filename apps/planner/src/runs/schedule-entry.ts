import type { SourceDisk, VmRecord } from '@ledgerlift/contracts';
import { type RunState, type ScheduleEntry, type VmLive, storagesOf, partOf } from '@ledgerlift/migration';

/** What a VM that waits for a place says to the schedule. */
export const entryOf = (state: VmLive, { started }: RunState): ScheduleEntry =>
  scheduleEntry(state.record, started.spec, purposeOf(state));

/**
 * @param spec of the plan as it was started, or would be
 */
export function scheduleEntry(
  record: VmRecord,
  spec: Pick<RunState['started']['spec'], 'priority' | 'maxConcurrentMigrations' | 'windows'>,
  purpose: ScheduleEntry['purpose'],
): ScheduleEntry {
  const { vm, provider } = record.source;
  return {
    migrationId: record.migrationId,
    vm: record.index,
    planId: record.planId,
    priority: record.priority ?? spec.priority,
    maxConcurrent: spec.maxConcurrentMigrations,
    purpose,
    provider: provider.id,
    ...(vm.host === undefined ? {} : { host: vm.host }),
    ...(vm.hostId === undefined ? {} : { hostId: vm.hostId }),
    target: record.target.providerId,
    demand: {
      cpus: vm.cpu.count,
      memoryBytes: vm.memory.bytes,
      storageBytes: vm.disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0),
    },
    ...storagesOf(disksToRead(record)),
    windows: spec.windows,
  };
}

/** What the user brought already is not read. */
function disksToRead({ source, disks }: VmRecord): readonly SourceDisk[] {
  const adopted = new Set(disks.filter((disk) => disk.adopted).map(({ diskId }) => diskId));
  return source.vm.disks.filter(({ id }) => !adopted.has(id));
}

function purposeOf(state: VmLive): ScheduleEntry['purpose'] {
  const part = partOf(state);
  if (part === 'cutover') return 'cutover';
  if (part === 'precopy') return 'precopy';
  return state.admittedAt === undefined ? 'begin' : 'go-on';
}
