import { rm } from 'node:fs/promises';
import type { Resource, SourceDisk } from '@ledgerlift/contracts';
import type { SourceImage } from '@ledgerlift/disk-transfer';
import type { Attempt } from '@ledgerlift/messaging';
import { diskLayoutOf } from '@ledgerlift/targets';
import { sourceOf } from './source.js';

export interface OpenedDisk {
  readonly image: SourceImage;
  readonly isCompressed: boolean;
}

/** Finds how a disk is read. What cannot be read at an offset is unpacked into a claimed temporary file first. */
export async function openDisk(
  attempt: Attempt,
  disk: SourceDisk,
  unpackedPath: string,
  signal: AbortSignal,
): Promise<OpenedDisk> {
  const { provider, spec, vm } = sourceOf(attempt);
  const access = provider.diskAccess(spec, vm, disk);
  if (access.kind === 'image') {
    const { driver, file, within, compressed } = access;
    return { image: { driver, file, ...(within === undefined ? {} : { within }) }, isCompressed: compressed };
  }
  const resource: Resource = {
    kind: 'unpacked-disk',
    name: diskLayoutOf(attempt.job.record, disk.id).unpacked,
    service: 'transfer',
    lifetime: 'temporary',
  };
  await attempt.claim([resource]);
  attempt.progress([], `unpacking ${disk.name}`);
  // Whether an earlier attempt finished it cannot be told from the file, so it is made anew.
  await rm(unpackedPath, { force: true });
  await access.unpackTo(unpackedPath, signal);
  return { image: { driver: access.driver, file: unpackedPath }, isCompressed: access.driver === 'vmdk' };
}
