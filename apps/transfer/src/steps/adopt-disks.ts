import { access, constants } from 'node:fs/promises';
import type { Resource, SourceVm, VmRecord } from '@ledgerlift/contracts';
import { allocatedSize, diskPathsOf, imageHeader } from '@ledgerlift/targets';
import { BroughtDiskUnusable } from '../errors.js';

/** A disk that the user brought, as it is told to the log: named, so that it is known whose it is, and never claimed. */
const adopted = (name: string): Resource => ({ kind: 'disk', name, service: 'transfer', lifetime: 'result' });

/**
 * Looks once more at the disks that the user brought: between the plan's validation and now they may have gone, or have
 * become others. Changes nothing.
 *
 * @returns what the log is to say was adopted
 * @throws BroughtDiskUnusable, UnsafePath, TargetUnusable
 */
export async function seeBroughtDisks(record: VmRecord, vm: SourceVm): Promise<readonly Resource[]> {
  const paths = await diskPathsOf(record);
  for (const [index, { diskId, format, name }] of record.disks.entries()) {
    const path = paths[index] ?? '';
    await access(path, constants.R_OK | constants.W_OK).catch((error: unknown) => {
      throw new BroughtDiskUnusable(name, 'it is not there, or may not be written', error);
    });
    const found = await imageHeader(path);
    const capacity = vm.disks.find(({ id }) => id === diskId)?.capacityBytes ?? 0;
    const why =
      found.refusal ??
      (found.format === format && found.size === allocatedSize(capacity)
        ? undefined
        : `it is ${found.format} of ${found.size} bytes, where ${format} of ${allocatedSize(capacity)} is expected`);
    if (why !== undefined) throw new BroughtDiskUnusable(name, why);
  }
  return record.disks.map(({ name }) => adopted(name));
}
