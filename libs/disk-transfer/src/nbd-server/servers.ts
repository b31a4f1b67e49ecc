import { assertSelfContained } from '../foreign-image/index.js';
import { type NbdServer, startAll, startServer } from './server-process.js';

/** A disk image to read with one of qemu's drivers. The format is stated, never guessed from the content. */
export interface SourceImage {
  readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
  readonly file: string;
  /** Position of the image within the file, in bytes, such as a VMDK inside a tar. */
  readonly within?: { readonly offset: number; readonly length: number };
}

export interface TargetImage {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

const CONNECTIONS = '8';

/** Exports a source image read-only and in place. @throws ForeignImageRefused, NbdServerFailed */
export async function serveSource(image: SourceImage): Promise<NbdServer> {
  // Some drivers open other files, such as extents of a VMDK, and no option prevents that.
  await assertSelfContained(image);
  const args = (socket: string): readonly string[] => [
    '--read-only',
    '--persistent',
    `--shared=${CONNECTIONS}`,
    `--socket=${socket}`,
    nodeGraph(image),
  ];
  return startServer('qemu-nbd', args, { cell: { read: [image.file], write: [], network: 'none' } });
}

/** Starts several servers of the same image, so that each decompresses on its own core. @throws NbdServerFailed if one fails, after stopping the others */
export const serveSourceTimes = (image: SourceImage, servers: number): Promise<readonly NbdServer[]> =>
  startAll(servers, () => serveSource(image));

/** Exports a target image for writing. qemu locks it against a second writer. @throws NbdServerFailed */
export function serveTarget({ path, format }: TargetImage): Promise<NbdServer> {
  const args = (socket: string): readonly string[] => [
    '--persistent',
    `--shared=${CONNECTIONS}`,
    `--socket=${socket}`,
    `--format=${format}`,
    '--cache=writeback',
    '--discard=ignore',
    '--detect-zeroes=off',
    path,
  ];
  return startServer('qemu-nbd', args, { cell: { read: [], write: [path], network: 'none' } });
}

/**
 * Exports a target image read-only, bypassing the page cache, so that verification reads the storage itself.
 *
 * @returns `cache: 'bypassed'`, or `'used'` if the file system has no O_DIRECT (tmpfs)
 */
export async function serveForVerification({
  path,
  format,
}: TargetImage): Promise<{ readonly server: NbdServer; readonly cache: 'bypassed' | 'used' }> {
  const serve = (cache: string): Promise<NbdServer> => {
    const args = (socket: string): readonly string[] => [
      '--read-only',
      '--persistent',
      `--shared=${CONNECTIONS}`,
      `--socket=${socket}`,
      `--format=${format}`,
      `--cache=${cache}`,
      path,
    ];
    return startServer('qemu-nbd', args, { cell: { read: [path], write: [], network: 'none' } });
  };
  try {
    return { server: await serve('none'), cache: 'bypassed' };
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('O_DIRECT')) throw error;
    return { server: await serve('writeback'), cache: 'used' };
  }
}

/**
 * Describes an image as an explicit node graph. It names each driver, so QEMU probes nothing, never opens a backing file
 * that a header names, and uses no protocol but `file`.
 */
export function nodeGraph({ driver, file, within }: SourceImage): string {
  const protocol = { driver: 'file', filename: file };
  const stretch =
    within === undefined
      ? protocol
      : { driver: 'raw', offset: within.offset, size: within.length, file: protocol };
  // `backing` is an option of formats that can have one; raw and vpc refuse it.
  const backing = driver === 'qcow2' || driver === 'vmdk' ? { backing: null } : {};
  // For unknown creators, QEMU takes the size from the geometry (block/vpc.c), which is smaller than the disk.
  const size = driver === 'vpc' ? { force_size_calc: 'current_size' } : {};
  return `json:${JSON.stringify({ driver, ...backing, ...size, file: stretch })}`;
}
