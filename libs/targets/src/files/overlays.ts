import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { assertSelfContained } from '@ledgerlift/disk-transfer';
import { sandboxCommand, syncFolder } from '@ledgerlift/processes';
import type { ConversionAtWork, Guard, Overlay, OverlayCommit, Purpose } from '../workplace.js';
import { diskHolder } from './disk-locks.js';
import { freeBytes, imageInfo, syncFile } from './disks.js';
import { DisksHeld, ImageToolFailed, NoRoomForOverlays, OverlayDamaged } from './errors.js';
import { imageError, makeEmpty, qemuImg } from './images.js';
import { layoutOf } from './layout.js';
import type { VmFiles } from './vm-files.js';

/** An overlay with its base's format, which is never probed, because a guest can write any header into a raw disk. */
interface OverlayFile extends Overlay {
  readonly baseFormat: 'raw' | 'qcow2';
}

/** The overlay operations of a conversion's workplace. */
export type OverlaysAtWork = Pick<
  ConversionAtWork,
  'overlays' | 'assertFree' | 'make' | 'check' | 'flush' | 'baseOf' | 'commit'
>;

/** Manages the qcow2 overlays of one conversion, beside their disks. */
export function overlaysAtWork(files: VmFiles, guard: Guard, purpose: Purpose): OverlaysAtWork {
  const { signal } = guard;
  const overlays = (): Promise<OverlayFile[]> => overlaysOf(files, purpose);
  const folder = (): Promise<string> => files.path(files.record.folder);
  const flush = async (): Promise<void> => {
    const [all, at] = [await overlays(), await folder()];
    await guard.stillOurs();
    for (const { path } of all) if (existsSync(path)) await syncFile(path);
    await syncFolder(at);
  };
  return {
    overlays,
    assertFree: async () => assertFree(await overlays(), signal),
    make: async () => {
      const all = await overlays();
      for (const { path } of all) {
        await guard.stillOurs();
        await rm(path, { force: true });
      }
      await assertRoom(await folder(), all);
      for (const overlay of all) {
        await guard.stillOurs();
        await makeOverlay(overlay, signal);
      }
      await flush();
    },
    check: async () => {
      for (const overlay of await overlays()) await checkOverlay(overlay, signal);
    },
    flush,
    baseOf: async ({ path }) => {
      const run = { signal, failed: imageError(path, 'info') };
      return (await imageInfo({ path, format: 'qcow2' }, run)).backing;
    },
    commit: commitOf,
  };
}

async function overlaysOf(
  { record, path: pathOf, disks }: VmFiles,
  purpose: Purpose,
): Promise<OverlayFile[]> {
  const bases = await disks();
  return Promise.all(
    layoutOf(record).disks.map(async ({ overlay, testOverlay }, index) => {
      const name = purpose === 'test' ? testOverlay : overlay;
      const baseFormat = record.disks[index]?.format ?? 'raw';
      return { name, path: await pathOf(name), base: bases[index] ?? '', baseFormat };
    }),
  );
}

async function assertFree(overlays: readonly OverlayFile[], signal: AbortSignal): Promise<void> {
  // A brought disk may have been replaced since it was adopted, and qemu-img follows references in its header.
  for (const { base, baseFormat } of overlays)
    if (existsSync(base)) await assertSelfContained({ driver: baseFormat, file: base });
  for (const path of overlays.flatMap(({ base, path: over }) => [base, over])) {
    const who = await diskHolder(path, signal);
    if (who !== undefined) throw new DisksHeld(path, who);
  }
}

async function assertRoom(where: string, overlays: readonly OverlayFile[]): Promise<void> {
  if (overlays.length === 0) return;
  const bases = overlays.map(({ base, baseFormat }) => imageInfo({ path: base, format: baseFormat }));
  const needed = overlayRoom(await Promise.all(bases));
  const free = await freeBytes(where);
  if (free < needed) throw new NoRoomForOverlays(where, needed, free);
}

async function makeOverlay({ path, base, baseFormat }: OverlayFile, signal: AbortSignal): Promise<void> {
  await makeEmpty(path);
  const run = { read: [base], write: [path], signal, failed: imageError(path, 'create') };
  await qemuImg(run, 'create', '-q', '-f', 'qcow2', '-b', base, '-F', baseFormat, '--', path);
}

async function checkOverlay({ path, base }: Overlay, signal: AbortSignal): Promise<void> {
  const run = { read: [path, base], signal, failed: imageError(path, 'check') };
  try {
    await qemuImg(run, 'check', '-q', '-f', 'qcow2', '--', path);
  } catch (error) {
    if (error instanceof ImageToolFailed) throw new OverlayDamaged(path, error.message);
    throw error;
  }
}

/** Uses `-d`, which keeps the overlay's content, so that the commit can be repeated. */
async function commitOf({ path, base }: Overlay): Promise<OverlayCommit> {
  const sandbox = (await sandboxCommand({ read: [], write: [path, base], network: 'none' })) ?? [];
  const [command = 'qemu-img', ...rest] = [...sandbox, 'qemu-img'];
  return {
    argv: [command, ...rest, 'commit', '-q', '-d', '-f', 'qcow2', '--', path],
    failed: imageError(path, 'commit'),
    flush: () => syncFile(base),
  };
}

const MiB = 2 ** 20;
/** Upper bound of observed conversions: drivers, an initramfs for each kernel, logs. */
const OVERLAY_BYTES = 1024 * MiB;
/** A generous bound for chunk hashes, manifests and logs of one VM. qcow2 metadata needs less. */
const SMALL_FILES = 16 * MiB;

/**
 * Returns the bytes that one VM's conversion may write to overlays, at most the size of its disks. The planner checks for them
 * before a plan starts, the transfer worker before it powers the source off, and the converter before it begins (ADR 22).
 */
export function overlayRoom(disks: readonly { readonly size: number }[]): number {
  return Math.min(sizeOf(disks), OVERLAY_BYTES) + SMALL_FILES;
}

/** The facts that decide a VM's need for temporary space. */
export interface RoomRequest {
  /** Sizes of its disks in bytes, and whether each must be unpacked before it can be read. */
  readonly disks: readonly { readonly size: number; readonly unpacked: 'unpacked' | 'read-in-place' }[];
  /** A conversion needs space for overlays. */
  readonly conversion: 'converted' | 'left-as-is';
}

/** Returns the bytes that one VM needs in addition to its disks: unpacked sources, overlays and small files. */
export function roomBeside({ disks, conversion }: RoomRequest): number {
  const unpacked = sizeOf(disks.filter((disk) => disk.unpacked === 'unpacked'));
  return unpacked + (conversion === 'converted' ? overlayRoom(disks) : SMALL_FILES);
}

const sizeOf = (disks: readonly { readonly size: number }[]): number =>
  disks.reduce((sum, { size }) => sum + size, 0);
