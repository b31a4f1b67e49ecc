import { open, rename, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, unfinished } from '@ledgerlift/processes';
import { z } from 'zod';
import { NotOurs, TargetUnusable, WrongDisk } from '../errors.js';
import { allocatedSize } from '../disk-size.js';
import { imageHeader } from './image-header.js';
import { type QemuImgRun, qemuImg } from './qemu-img.js';
import { errorCode, kindOf } from './safe-path.js';

export interface DiskFile {
  /** Absolute path; its folder exists. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /** Bytes, as the guest sees them. */
  readonly size: number;
}

/**
 * The disk file, made when it is not there: sparse, all zeros. A crash leaves either the whole disk or only its
 * draft, which the next call replaces.
 *
 * @returns `created` only when this call made it: only then may zeros be left unwritten
 * @throws WrongDisk when there is one of another size or format
 * @throws NotOurs when there is something that is no file
 * @throws ToolFailed, TargetUnusable
 */
export async function ensureDisk(disk: DiskFile): Promise<'created' | 'found'> {
  const kind = await kindOf(disk.path);
  if (kind === 'file') {
    await checkDisk(disk);
    return 'found';
  }
  if (kind !== 'absent') throw new NotOurs(disk.path, `it is a ${kind} where a disk file is expected`);
  const draft = unfinished(disk.path);
  try {
    const handle = await open(draft, 'w', 0o644);
    try {
      if (disk.format === 'raw') await handle.truncate(allocatedSize(disk.size));
      else
        await qemuImg(
          { write: [draft] },
          ...['create', '-q', '-f', 'qcow2', '--', draft, String(allocatedSize(disk.size))],
        );
    } finally {
      await handle.close();
    }
    // qemu-img writes by itself and syncs nothing.
    await syncFile(draft);
    await rename(draft, disk.path);
    await syncFolder(dirname(disk.path));
    return 'created';
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(disk.path, `the disk cannot be made (${errorCode(error)})`, error);
  }
}

/**
 * Lets the disk grow where it is smaller than the source's has become. What it gains reads as zeros. Nobody may write it
 * meanwhile.
 *
 * @throws ToolFailed, TargetUnusable
 */
export async function growDisk(disk: DiskFile): Promise<'grown' | 'large-enough'> {
  const wanted = allocatedSize(disk.size);
  try {
    const isDevice = await isBlockDevice(disk.path);
    const size = isDevice
      ? await deviceSize(disk.path)
      : disk.format === 'raw'
        ? (await stat(disk.path)).size
        : (await imageInfo(disk)).size;
    if (size >= wanted) return 'large-enough';
    if (isDevice) throw new WrongDisk(disk.path, `at least ${wanted} bytes`, `${size} bytes long`);
    if (disk.format === 'raw') {
      const handle = await open(disk.path, 'r+');
      try {
        await handle.truncate(wanted);
        await handle.sync();
      } finally {
        await handle.close();
      }
    } else
      await qemuImg({ write: [disk.path] }, 'resize', '-q', '-f', 'qcow2', '--', disk.path, String(wanted));
    return 'grown';
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(disk.path, `the disk cannot grow (${errorCode(error)})`, error);
  }
}

async function checkDisk(disk: DiskFile): Promise<void> {
  const expected = `${disk.format} of ${allocatedSize(disk.size)} bytes`;
  if (disk.format === 'raw') {
    const { size } = await stat(disk.path);
    if (size !== allocatedSize(disk.size)) throw new WrongDisk(disk.path, expected, `${size} bytes long`);
    return;
  }
  // No tool opens it for this: what lies here may not be ours.
  const { format, size } = await imageHeader(disk.path);
  if (format !== 'qcow2' || size !== allocatedSize(disk.size))
    throw new WrongDisk(disk.path, expected, `${format} of ${size} bytes`);
}

const ImageInfo = z.object({
  format: z.string(),
  'virtual-size': z.int(),
  'backing-filename': z.string().optional(),
});

/**
 * What an image file says about itself; works while somebody else has it open.
 *
 * @param image with its format: a guest can write the header of any format into a raw disk, so nothing is probed
 * @throws ToolFailed (or what `run` says), also where it is of another format
 */
export async function imageInfo(
  { path, format }: Pick<DiskFile, 'path' | 'format'>,
  run: Pick<QemuImgRun, 'signal' | 'failed'> = {},
): Promise<{ readonly format: string; readonly size: number; readonly backing: string | undefined }> {
  const args = ['info', '-f', format, '--force-share', '--output=json', '--', path];
  const text = await qemuImg({ ...run, read: [path] }, ...args);
  const info = ImageInfo.parse(JSON.parse(text));
  return { format: info.format, size: info['virtual-size'], backing: info['backing-filename'] };
}

/** Whether a path is a block device; false where nothing is there. */
export const isBlockDevice = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isBlockDevice(),
    () => false,
  );

/** Bytes that a block device has: where its end is, for `stat` says 0. */
async function deviceSize(path: string): Promise<number> {
  const { size } = await imageInfo({ path, format: 'raw' });
  return size;
}

/** Bytes that a file takes of its storage; 0 where nothing is there. */
export const bytesOnDisk = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );

/** Bytes that may still be written at a path, or where it would be made. @throws TargetUnusable */
export async function freeBytes(path: string): Promise<number> {
  const existing = await nearestExisting(path);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}

/** The path, or the closest folder above it that exists. @throws TargetUnusable */
export async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await stat(at);
      return at;
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || at === dirname(at))
        throw new TargetUnusable(path, `it cannot be reached (${errorCode(error)})`, error);
    }
  }
}

/** Writes a file's content through to the storage. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
