import type { SourceVm } from '@ledgerlift/contracts';
import type { ByteRange } from '../port.js';
import { VsphereAnswerMalformed, VsphereSnapshotLost } from './errors.js';
import type { VsphereSession } from './session.js';
import type { ObjectRef } from './soap/node.js';
import { isFault, vmRef } from './vm.js';

export interface TrackedDisk {
  /** Device key in the VM. */
  readonly key: number;
  readonly capacityBytes: number;
}

/**
 * What changed on a disk between a change id and a snapshot. vCenter answers for as much of the disk as it likes, and is
 * asked again from where it stopped until the whole disk is covered.
 *
 * @param changeId `*` asks for all that is allocated
 * @returns in order, without overlaps, within the disk; undefined where vCenter no longer knows the id: tracking was
 * reset, and everything has to be compared
 * @throws VsphereSnapshotLost, and what a call throws
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
        // vCenter says either of a change id that is of another epoch (VMware KB 2146999).
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

/** In order, each byte once, and none past the end: areas may touch or overlap where one answer ends and the next begins. */
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
