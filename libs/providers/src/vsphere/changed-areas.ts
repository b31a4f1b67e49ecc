import type { SourceVm } from '@ledgerlift/contracts';
import type { ByteRange } from '../port.js';
import { VsphereAnswerMalformed, VsphereSnapshotLost } from './errors.js';
import type { VsphereSession } from './session.js';
import type { ObjectRef } from './soap/xml.js';
import { isFault, vmRef } from './vm.js';

export interface TrackedDisk {
  /** Device key in the VM. */
  readonly key: number;
  readonly capacityBytes: number;
}

/**
 * Lists the ranges of a disk that changed between a change id and a snapshot. vCenter may answer for only part of the disk, so this
 * asks again from there until the whole disk is covered.
 *
 * @param changeId `*` asks for all allocated ranges
 * @returns ranges in order, without overlaps, within the disk; undefined if vCenter no longer knows the id, because tracking was
 * reset: then compare the whole disk
 * @throws VsphereSnapshotLost, and errors of a call
 */
export async function changedAreas(
  session: VsphereSession,
  vm: SourceVm,
  { key, capacityBytes }: TrackedDisk,
  snapshot: ObjectRef,
  changeId: string,
  signal: AbortSignal,
): Promise<readonly ByteRange[] | undefined> {
  const found: ByteRange[] = [];
  for (let offset = 0; offset < capacityBytes;) {
    const args = { snapshot, deviceKey: key, startOffset: offset, changeId };
    const answer = await session
      .call('QueryChangedDiskAreas', vmRef(vm), args, { signal })
      .catch((error: unknown) => {
        if (isFault(error, 'ManagedObjectNotFound'))
          throw new VsphereSnapshotLost(vm.name, snapshot.id, 'is gone');
        // vCenter returns either fault for a change id from another epoch (VMware KB 2146999).
        if (isFault(error, 'FileFault', 'InvalidArgument')) return undefined;
        throw error;
      });
    if (answer === undefined) return undefined;
    const info = answer.at('returnval');
    const [start, length] = [info?.numberAt('startOffset'), info?.numberAt('length')];
    if (start === undefined || length === undefined || start + length <= offset) {
      const said = `it covers ${length ?? 'nothing'} bytes from ${start ?? 'nowhere'}, where ${offset} was asked for`;
      throw new VsphereAnswerMalformed(session.connection.server, 'QueryChangedDiskAreas', said);
    }
    for (const area of info?.list('changedArea') ?? []) {
      found.push({ offset: area.numberAt('start') ?? 0, length: area.numberAt('length') ?? 0 });
    }
    offset = start + length;
  }
  return united(found, capacityBytes);
}

/** Merges areas in order and clips them at the end: areas of successive answers may touch or overlap. */
function united(areas: readonly ByteRange[], end: number): readonly ByteRange[] {
  const result: { offset: number; length: number }[] = [];
  for (const { offset, length } of areas.toSorted((a, b) => a.offset - b.offset)) {
    const to = Math.min(offset + length, end);
    const last = result.at(-1);
    const lastEnd = last === undefined ? -1 : last.offset + last.length;
    if (last !== undefined && offset <= lastEnd) last.length = Math.max(lastEnd, to) - last.offset;
    else if (to > offset) result.push({ offset, length: to - offset });
  }
  return result;
}
