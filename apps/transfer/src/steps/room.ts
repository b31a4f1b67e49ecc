import type { Job } from '@ledgerlift/contracts';
import { type Workplace, overlayRoom } from '@ledgerlift/targets';
import { NoRoom } from '../errors.js';

/**
 * Bytes that must be free at the target before the source may go off: for what is still to be copied, and for the overlays
 * of the conversion. Of a warm VM all but the last changes is there, and as much is taken to come as came last.
 *
 * @param written bytes that its disks take at the target now, in the order of the record
 */
export function roomBeforePowerOff({ record, results }: Job, written: readonly number[]): number {
  const { type, skipGuestConversion } = record.settings;
  const sizes = record.source.vm.disks.map(({ capacityBytes }) => Math.max(0, capacityBytes));
  const overlays = skipGuestConversion ? 0 : overlayRoom(sizes.map((size) => ({ size })));
  if (type === 'conversion') return overlays;
  const pass = results.findLast((result) => result.step === 'DiskTransfer');
  if (type === 'warm' && pass !== undefined) {
    const last = pass.pass.kind === 'delta' ? pass.disks : [];
    return overlays + last.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
  }
  return overlays + sizes.reduce((sum, size, index) => sum + Math.max(0, size - (written[index] ?? 0)), 0);
}

/**
 * To be called right before the source is powered off: it is never off for want of room, of which other VMs that are off
 * already have theirs.
 * @throws NoRoom
 */
export async function assertRoomBeforePowerOff(job: Job, place: Pick<Workplace, 'room'>): Promise<void> {
  const { where, freeBytes, written } = await place.room();
  const needed = roomBeforePowerOff(job, written);
  const taken = job.roomTaken ?? 0;
  if (freeBytes < needed + taken) throw new NoRoom(where, needed, freeBytes, taken);
}
