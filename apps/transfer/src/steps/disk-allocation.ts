import type { StepHandler } from '@ledgerlift/worker';
import { diskPathsOf, ensureDisk, freeBytes, openVmFolder } from '@ledgerlift/targets';
import { NoRoom } from '../errors.js';
import { seeBroughtDisks } from './adopt-disks.js';
import { bytesOnDisk } from './room.js';
import { sourceOf } from './source.js';

/**
 * Makes the target's folder and disks, or finds those of an earlier attempt. Where the user brought the disks, the folder
 * only: they are adopted where they lie.
 */
export const diskAllocation: StepHandler = async (attempt) => {
  const { record } = attempt.job;
  const { vm } = sourceOf(attempt);
  const folder = await openVmFolder(record);
  if (record.settings.type === 'conversion') {
    await attempt.adopt(await seeBroughtDisks(record, vm));
    const disks = record.disks.map(({ diskId, name }) => {
      const size = vm.disks.find(({ id }) => id === diskId)?.capacityBytes ?? 0;
      return { diskId, name, size };
    });
    return { step: 'DiskAllocation', disks };
  }
  const paths = await diskPathsOf(record);
  const disks = record.disks.map((disk, index) => ({
    ...disk,
    path: paths[index] ?? '',
    size: vm.disks.find(({ id }) => id === disk.diskId)?.capacityBytes ?? 0,
  }));
  const sizes = await Promise.all(
    disks.map(async ({ path, size }) => Math.max(0, size - (await bytesOnDisk(path)))),
  );
  const needed = sizes.reduce((sum, size) => sum + size, 0);
  const free = await freeBytes(folder.path);
  if (free < needed) throw new NoRoom(folder.path, needed, free);
  for (const [index, { path, format, size, name }] of disks.entries()) {
    attempt.signal.throwIfAborted();
    attempt.progress([{ name: 'disks', done: index, total: disks.length, unit: 'steps' }], `making ${name}`);
    await ensureDisk({ path, format, size });
  }
  return { step: 'DiskAllocation', disks: disks.map(({ diskId, name, size }) => ({ diskId, name, size })) };
};
