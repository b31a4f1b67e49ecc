import type { SourceDisk, VmRecord } from '@ledgerlift/contracts';
import type { RunState } from '../run/run.js';
import { type VmLive, partOf } from '../vm/state.js';
import { storagesOf } from '../vm/removal-slot.js';
import type { ScheduleEntry } from './lanes.js';

/** The schedule entry of a VM that waits for a slot. */
export const entryOf = (state: VmLive, { started }: RunState): ScheduleEntry =>
  scheduleEntry(state.record, started.spec, purposeOf(state));

/**
 * @param spec the plan as started, or as it would be started
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

/** Without adopted disks, which are never read from the source. */
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
