import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { assertSelfContained } from '@ledgerlift/disk-transfer';
import { sandboxCommand, syncFolder } from '@ledgerlift/processes';
import type { ConversionAtWork, Guard, Overlay, OverlayCommit, Purpose } from '../workplace.js';
import { diskHolder } from './disk-locks.js';
import { freeBytes, imageInfo, syncFile } from './disks.js';
import { DisksHeld, ImageToolFailed, NoRoomForOverlays, OverlayDamaged } from './errors.js';
import { layoutOf } from './layout.js';
import { imageError, makeEmpty, qemuImg } from './qemu-img.js';
import { overlayRoom } from './room.js';
import type { VmFiles } from './vm-files.js';

/** An overlay, and how its base is to be opened: nothing is probed, for a guest can write any header into a raw disk. */
interface OverlayFile extends Overlay {
  readonly baseFormat: 'raw' | 'qcow2';
}

/** The part of a conversion's workplace that works on its overlays. */
export type OverlaysAtWork = Pick<
  ConversionAtWork,
  'overlays' | 'assertFree' | 'make' | 'check' | 'flush' | 'baseOf' | 'commit'
>;

/** The qcow2 overlays of one conversion, beside the disks that they lie over. */
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
  // A disk that the user brought may have been swapped since it was adopted, and qemu-img follows what it names.
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

/** `-d` keeps the overlay's content, so that the commit may be repeated. */
async function commitOf({ path, base }: Overlay): Promise<OverlayCommit> {
  const sandbox = (await sandboxCommand({ read: [], write: [path, base], network: 'none' })) ?? [];
  const [command = 'qemu-img', ...rest] = [...sandbox, 'qemu-img'];
  return {
    argv: [command, ...rest, 'commit', '-q', '-d', '-f', 'qcow2', '--', path],
    failed: imageError(path, 'commit'),
    flush: () => syncFile(base),
  };
}
