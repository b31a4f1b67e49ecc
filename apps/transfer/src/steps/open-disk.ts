import { rm } from 'node:fs/promises';
import type { Resource, Snapshot, SourceDisk } from '@ledgerlift/contracts';
import { type NbdEndpoint, type SourceImage, serveSourceTimes } from '@ledgerlift/disk-transfer';
import type { Attempt } from '@ledgerlift/messaging';
import { diskLayoutOf, resolveOwned } from '@ledgerlift/targets';
import { sourceOf } from './source.js';

export interface OpenDisk {
  /** All of the same disk. */
  readonly endpoints: readonly NbdEndpoint[];
  /** Ends what was started for it. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** None: the VM is off, and is read as it is. */
  readonly snapshot: Snapshot | undefined;
  /** Servers that inflate one compressed disk. */
  readonly inflaters: number;
  readonly signal: AbortSignal;
}

/**
 * Opens a disk of the source over NBD: through the provider's own server, or one of ours. What cannot be read at an
 * offset is unpacked into a claimed temporary file first.
 */
export async function openDisk(attempt: Attempt, disk: SourceDisk, options: OpenOptions): Promise<OpenDisk> {
  const { provider, spec, vm } = sourceOf(attempt);
  const access = await provider.diskAccess(spec, vm, disk, options.snapshot);
  if (access.kind === 'nbd') {
    const { socket, exportName } = access;
    return { endpoints: [{ socket, exportName }], close: async () => undefined };
  }
  if (access.kind === 'image') {
    const { driver, file, within, compressed } = access;
    const image = { driver, file, ...(within === undefined ? {} : { within }) };
    return serve(image, compressed ? options.inflaters : 1);
  }
  const name = diskLayoutOf(attempt.job.record, disk.id).unpacked;
  const path = await resolveOwned(attempt.job.record, name);
  const resource: Resource = { kind: 'unpacked-disk', name, service: 'transfer', lifetime: 'temporary' };
  await attempt.claim([resource]);
  attempt.progress([], `unpacking ${disk.name}`);
  // Whether an earlier attempt finished it cannot be told from the file, so it is made anew.
  await rm(path, { force: true });
  await access.unpackTo(path, options.signal);
  return serve({ driver: access.driver, file: path }, access.driver === 'vmdk' ? options.inflaters : 1);
}

async function serve(image: SourceImage, servers: number): Promise<OpenDisk> {
  const endpoints = await serveSourceTimes(image, servers);
  return {
    endpoints,
    close: async () => {
      await Promise.all(endpoints.map((server) => server.stop()));
    },
  };
}
