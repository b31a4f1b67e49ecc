import { type NbdServer, serveNbdkit } from '@ledgerlift/disk-transfer';
import type { Attempt } from '@ledgerlift/worker';
import { loadedProvider, lookForDiskTools } from '@ledgerlift/providers';
import { ImageToolFailed, imageError, makeEmpty, qemuImg } from '@ledgerlift/targets';
import type { ConverterSettings } from '../config.js';
import { NotInspectable, SnapshotUnreadable } from '../errors.js';

/** A disk served over NBD. */
export interface OfferedDisk {
  readonly socket: string;
  readonly exportName: string;
}

/** The disks of a snapshot, served over NBD. */
export interface SnapshotDisks {
  /** In the record's order. */
  readonly disks: readonly OfferedDisk[];
  /** Stops their servers. */
  close(): Promise<void>;
}

/**
 * Serves the disks of the snapshot for a warm VM's first copy over NBD, from the source itself or from our own server.
 *
 * @throws NotInspectable, ExtensionNotLoaded; the provider's error if the snapshot is lost
 */
export async function snapshotDisks(
  { job: { record, pass }, signal }: Attempt,
  { reading }: ConverterSettings,
): Promise<SnapshotDisks> {
  const { provider: source, vm } = record.source;
  const provider = loadedProvider(source.spec.type);
  if (provider?.snapshots === undefined || pass?.snapshot === undefined)
    throw new NotInspectable(vm.name, 'there is no snapshot of it');
  const reader = { tools: await lookForDiskTools(reading), signal };
  const servers: NbdServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    const disks: OfferedDisk[] = [];
    for (const { diskId } of record.disks) {
      const disk = vm.disks.find(({ id }) => id === diskId);
      if (disk === undefined)
        throw new NotInspectable(vm.name, `the record has no disk "${diskId}" of its source`);
      const access = await provider.diskAccess(source.spec, vm, disk, pass.snapshot, reader);
      if (access.kind === 'nbd') disks.push(access);
      else if (access.kind === 'nbdkit') {
        const server = await serveNbdkit(access);
        servers.push(server);
        disks.push({ socket: server.socket, exportName: '' });
      } else throw new NotInspectable(vm.name, `its source does not offer "${diskId}" over NBD`);
    }
    return { disks, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md */
const uriOf = ({ socket, exportName }: OfferedDisk): string =>
  `nbd+unix:///${encodeURIComponent(exportName)}?socket=${encodeURIComponent(socket)}`;

/**
 * Creates an empty overlay over each disk, in a folder on this machine: in a domain, virt-v2v accepts files, but not
 * NBD over a local socket (seen with 2.2.0). The source is never written.
 *
 * @throws SnapshotUnreadable, the signal's reason
 */
export async function overlaySnapshot(
  { job, signal }: Attempt,
  disks: readonly OfferedDisk[],
  paths: readonly string[],
): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    const path = paths[index] ?? '';
    try {
      await makeEmpty(path);
      const run = { read: [disk.socket], write: [path], signal, failed: imageError(path, 'create') };
      const base = ['-b', uriOf(disk), '-F', 'raw'];
      await qemuImg(run, 'create', '-q', '-f', 'qcow2', ...base, '--', path);
    } catch (error) {
      if (error instanceof ImageToolFailed)
        throw new SnapshotUnreadable(job.record.source.vm.name, error.message, error);
      throw error;
    }
  }
}
