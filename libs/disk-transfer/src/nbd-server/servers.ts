import { assertSelfContained } from '../foreign-image/index.js';
import { type NbdServer, startServer } from './server-process.js';

/** A disk image that is read, as qemu's drivers have it. The format is given, never guessed from the content. */
export interface SourceImage {
  readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
  readonly file: string;
  /** Where the image lies within the file, in bytes: a VMDK inside a tar. */
  readonly within?: { readonly offset: number; readonly length: number };
}

export interface TargetImage {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

const CONNECTIONS = '8';

/** Exports a source image read-only; nothing is unpacked. @throws ForeignImageRefused, NbdServerFailed */
export async function serveSource(image: SourceImage): Promise<NbdServer> {
  // Some drivers open other files for features that no option turns off, such as extents of a VMDK.
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

/** Several servers of the same image: each inflates on a core of its own. @throws NbdServerFailed, and none is left */
export async function serveSourceTimes(image: SourceImage, servers: number): Promise<readonly NbdServer[]> {
  const started = await Promise.allSettled(Array.from({ length: servers }, () => serveSource(image)));
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return running;
  await Promise.all(running.map((server) => server.stop()));
  throw failed.reason;
}

/** Exports a target image for writing. qemu locks it, so that a second writer is refused. @throws NbdServerFailed */
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
 * Exports a target image read-only past the page cache, so that what is verified is what the storage holds.
 *
 * @returns `cache: 'bypassed'`, or `'used'` where the filesystem has no O_DIRECT (tmpfs)
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
 * An image as an explicit node graph: each driver is named, so that QEMU probes nothing, a backing file is never opened
 * whatever the header says, and the only protocol is `file`.
 */
export function nodeGraph({ driver, file, within }: SourceImage): string {
  const protocol = { driver: 'file', filename: file };
  const stretch =
    within === undefined
      ? protocol
      : { driver: 'raw', offset: within.offset, size: within.length, file: protocol };
  // `backing` is an option of formats that can have one; raw and vpc refuse it.
  const backing = driver === 'qcow2' || driver === 'vmdk' ? { backing: null } : {};
  // QEMU takes the size from the geometry where it does not know the creator (block/vpc.c), which is less than the disk has.
  const size = driver === 'vpc' ? { force_size_calc: 'current_size' } : {};
  return `json:${JSON.stringify({ driver, ...backing, ...size, file: stretch })}`;
}
