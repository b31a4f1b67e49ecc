import type { Job, Resource, SourceVm, VmRecord } from '@ledgerlift/contracts';
import { type DisksAtWork, overlayRoom, type Workplace } from '@ledgerlift/targets';
import type { StepHandler } from '@ledgerlift/worker';
import { AdoptedDiskUnusable, NoRoom } from '../errors.js';
import { sourceOf, workplaceOf } from './source.js';

/**
 * Creates the VM's folder (or its equivalent) and disks at the target, or finds those of an earlier attempt. Adopted
 * disks stay where they are.
 */
export const diskAllocation: StepHandler = async (attempt) => {
  const { record } = attempt.job;
  const { vm } = sourceOf(attempt);
  await using place = await workplaceOf(attempt);
  await place.open();
  const disks = record.disks.map(({ diskId, name }) => {
    const size = vm.disks.find(({ id }) => id === diskId)?.capacityBytes ?? 0;
    return { diskId, name, size };
  });
  if (record.settings.type === 'conversion') {
    await attempt.adopt(await seeAdoptedDisks(record, vm, place.disks));
    return { step: 'DiskAllocation', disks };
  }
  const { where, freeBytes, written } = await place.room();
  const needed = disks.reduce((sum, { size }, index) => sum + Math.max(0, size - (written[index] ?? 0)), 0);
  if (freeBytes < needed) throw new NoRoom(where, needed, freeBytes);
  for (const [index, { diskId, size, name }] of disks.entries()) {
    attempt.signal.throwIfAborted();
    attempt.progress(
      [{ name: 'disks', done: index, total: disks.length, unit: 'steps' }],
      `creating ${name}`,
    );
    await place.disks.allocate(diskId, size);
  }
  return { step: 'DiskAllocation', disks };
};

/** The log's entry for an adopted disk: recorded by name to show its owner, but never claimed. */
const adopted = (name: string): Resource => ({ kind: 'disk', name, service: 'transfer', lifetime: 'result' });

/**
 * Checks the adopted disks again, because they may have gone or changed since the plan's validation. Changes nothing.
 *
 * @returns the adopted disks, for the log
 * @throws AdoptedDiskUnusable, UnsafePath, TargetUnusable
 */
export async function seeAdoptedDisks(
  record: VmRecord,
  vm: SourceVm,
  disks: DisksAtWork,
): Promise<readonly Resource[]> {
  for (const { diskId, name } of record.disks) {
    const capacity = vm.disks.find(({ id }) => id === diskId)?.capacityBytes ?? 0;
    const objection = await disks.objectionTo(diskId, capacity);
    if (objection !== undefined) throw new AdoptedDiskUnusable(name, objection.why, objection.cause);
  }
  return record.disks.map(({ name }) => adopted(name));
}

/**
 * Bytes that must be free at the target before the source is powered off: for the rest of the copy, and for the
 * conversion's overlays. A warm VM is copied except for its last changes, estimated as the size of its last round.
 *
 * @param written bytes that its disks occupy at the target now, in the record's order
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
 * Call this right before the source is powered off, so that no source is off for lack of room. Room for other VMs that
 * are off is already reserved.
 *
 * @throws NoRoom
 */
export async function assertRoomBeforePowerOff(job: Job, place: Pick<Workplace, 'room'>): Promise<void> {
  const { where, freeBytes, written } = await place.room();
  const needed = roomBeforePowerOff(job, written);
  const taken = job.roomTaken ?? 0;
  if (freeBytes < needed + taken) throw new NoRoom(where, needed, freeBytes, taken);
}
