import { open, rename, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, unfinished } from '@ledgerlift/processes';
import { z } from 'zod';
import { NotOurs, TargetUnusable, WrongDisk } from '../errors.js';
import { allocatedSize } from './layout.js';
import { imageHeader, qemuImg, type QemuImgRun } from './images.js';
import { errorCode, kindOf } from './paths.js';

export interface DiskFile {
  /** Absolute path; its folder exists. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /** Size in bytes as the guest sees it. */
  readonly size: number;
}

/**
 * Creates the disk file, sparse and all zeros, unless it exists. A crash leaves either the whole disk or only its draft, which
 * the next call replaces.
 *
 * @returns `created` only if this call created it: only then may a copy skip zeros
 * @throws WrongDisk if it exists with another size or format
 * @throws NotOurs if its name is used by something other than a file
 * @throws ToolFailed, TargetUnusable
 */
export async function ensureDisk(disk: DiskFile): Promise<'created' | 'found'> {
  const kind = await kindOf(disk.path);
  if (kind === 'file') {
    await checkDisk(disk);
    return 'found';
  }
  if (kind !== 'absent') throw new NotOurs(disk.path, `it is a ${kind}, not a disk file`);
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
    // qemu-img does not sync what it writes.
    await syncFile(draft);
    await rename(draft, disk.path);
    await syncFolder(dirname(disk.path));
    return 'created';
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(disk.path, `the disk cannot be created (${errorCode(error)})`, error);
  }
}

/**
 * Grows the disk to the source's new size if it is smaller. The added part reads as zeros. Nobody may write to it meanwhile.
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
  // Do not open it with a tool: the file may not be ours.
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
 * Reads an image's metadata with qemu-img, even while another process has it open.
 *
 * @param image with its format, which is never probed: a guest can write any header into a raw disk
 * @throws ToolFailed (or the error of `run`), also if it has another format
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

/** Whether a path is a block device; false if it does not exist. */
export const isBlockDevice = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isBlockDevice(),
    () => false,
  );

/** Returns the size of a block device in bytes by seeking to its end, because `stat` reports 0. */
async function deviceSize(path: string): Promise<number> {
  const { size } = await imageInfo({ path, format: 'raw' });
  return size;
}

/** Returns the bytes that a file occupies on its storage; 0 if it does not exist. */
export const bytesOnDisk = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );

/** Returns the free bytes at a path, which need not exist yet. @throws TargetUnusable */
export async function freeBytes(path: string): Promise<number> {
  const existing = await nearestExisting(path);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}

/** Returns the path, or its closest existing parent. @throws TargetUnusable */
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

/** Flushes a file's content to the storage. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
