import type { Attempt } from '@ledgerlift/messaging';
import { sourceProvider } from '@ledgerlift/providers';
import { ImageToolFailed, NotInspectable, SnapshotUnreadable } from '../errors.js';
import { qemuImg } from '../overlays/index.js';

/**
 * Where the disks of the snapshot that a warm VM's first copy will read are offered, in the record's order: as NBD URIs
 * (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md).
 *
 * @throws NotInspectable; what the provider throws where the snapshot is lost
 */
export async function snapshotDisks({ job: { record, pass } }: Attempt): Promise<readonly string[]> {
  const { provider: source, vm } = record.source;
  const provider = sourceProvider(source.spec.type);
  if (provider?.snapshots === undefined || pass?.snapshot === undefined)
    throw new NotInspectable(vm.name, 'there is no snapshot of it');
  const uris: string[] = [];
  for (const { diskId } of record.disks) {
    const disk = vm.disks.find(({ id }) => id === diskId);
    if (disk === undefined)
      throw new NotInspectable(vm.name, `the record has no disk "${diskId}" of its source`);
    const access = await provider.diskAccess(source.spec, vm, disk, pass.snapshot);
    if (access.kind !== 'nbd')
      throw new NotInspectable(vm.name, `its source does not offer "${diskId}" over NBD`);
    uris.push(
      `nbd+unix:///${encodeURIComponent(access.exportName)}?socket=${encodeURIComponent(access.socket)}`,
    );
  }
  return uris;
}

/**
 * Makes an empty overlay over each, in a folder of this machine: virt-v2v takes files in a domain, and no NBD over a
 * local socket (seen with 2.2.0). Nothing of ours ever writes to the source.
 *
 * @throws SnapshotUnreadable, the signal's reason
 */
export async function overlaySnapshot(
  { job, signal }: Attempt,
  uris: readonly string[],
  paths: readonly string[],
): Promise<void> {
  for (const [index, uri] of uris.entries()) {
    const path = paths[index] ?? '';
    try {
      await qemuImg({ path, signal }, 'create', '-q', '-f', 'qcow2', '-b', uri, '-F', 'raw', '--', path);
    } catch (error) {
      if (error instanceof ImageToolFailed)
        throw new SnapshotUnreadable(job.record.source.vm.name, error.message, error);
      throw error;
    }
  }
}
