import { type VmLive, powerOffBegan } from '@ledgerlift/migration';
import { overlayRoom } from '@ledgerlift/targets';

/**
 * Bytes that other VMs will still write at the target of a VM: those whose power-off was begun before its own, and whose
 * sources therefore are off, or about to be. They have been promised the room.
 *
 * @param others VMs that have a place, the VM itself perhaps among them
 */
export function roomTaken(state: VmLive, others: readonly VmLive[]): number {
  const own = turnOf(state);
  return others
    .filter(({ record }) => record.target.providerId === state.record.target.providerId)
    .filter((other) => powerOffBegan(other) && turnOf(other) < own)
    .reduce((sum, other) => sum + stillToWrite(other), 0);
}

/** In the order in which power-offs were begun. */
function turnOf({ attempts, record: { migrationId, index } }: VmLive): string {
  const off = attempts.findLast(
    ({ step, startedAt }) => step === 'SourcePowerOff' && startedAt !== undefined,
  );
  return `${off?.startedAt ?? ''} ${migrationId}/${index}`;
}

/** Of a warm VM as much is taken to come as came with the last pass after the first; of an overlay nothing is written any more once it is committed. */
function stillToWrite({ record, itinerary, at, checkpoints, passes }: VmLive): number {
  const { disks } = record.source.vm;
  const comes = (step: string): boolean => itinerary.slice(at).some((each) => each.step === step);
  const sizes = disks.map(({ capacityBytes }) => ({ size: Math.max(0, capacityBytes) }));
  const uncopied = disks.reduce(
    (sum, { id, capacityBytes }) => sum + Math.max(0, capacityBytes - (checkpoints[id]?.bytesDone ?? 0)),
    0,
  );
  const copy = record.settings.type === 'warm' ? (passes.count > 1 ? passes.lastBytes : 0) : uncopied;
  return (comes('DiskTransfer') ? copy : 0) + (comes('ImageConversion') ? overlayRoom(sizes) : 0);
}
