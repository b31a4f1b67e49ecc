import type { Resource, SourceVm, VmRecord } from '@ledgerlift/contracts';
import type { DisksAtWork } from '@ledgerlift/targets';
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
export async function seeBroughtDisks(
  record: VmRecord,
  vm: SourceVm,
  disks: DisksAtWork,
): Promise<readonly Resource[]> {
  for (const { diskId, name } of record.disks) {
    const capacity = vm.disks.find(({ id }) => id === diskId)?.capacityBytes ?? 0;
    const objection = await disks.objectionTo(diskId, capacity);
    if (objection !== undefined) throw new BroughtDiskUnusable(name, objection.why, objection.cause);
  }
  return record.disks.map(({ name }) => adopted(name));
}
