import type { StepHandler } from '@ledgerlift/worker';
import { NoRoom } from '../errors.js';
import { seeBroughtDisks } from './adopt-disks.js';
import { sourceOf } from './source.js';
import { workplaceOf } from './target.js';

/**
 * Makes the VM's place at the target and its disks, or finds those of an earlier attempt. Where the user brought the disks,
 * the place only: they are adopted where they lie.
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
    await attempt.adopt(await seeBroughtDisks(record, vm, place.disks));
    return { step: 'DiskAllocation', disks };
  }
  const { where, freeBytes, written } = await place.room();
  const needed = disks.reduce((sum, { size }, index) => sum + Math.max(0, size - (written[index] ?? 0)), 0);
  if (freeBytes < needed) throw new NoRoom(where, needed, freeBytes);
  for (const [index, { diskId, size, name }] of disks.entries()) {
    attempt.signal.throwIfAborted();
    attempt.progress([{ name: 'disks', done: index, total: disks.length, unit: 'steps' }], `making ${name}`);
    await place.disks.allocate(diskId, size);
  }
  return { step: 'DiskAllocation', disks };
};
