import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sandboxCommand } from '@ledgerlift/processes';
import type { Overlay } from '@ledgerlift/targets';
import { z } from 'zod';
import { DisksHeld, ImageToolFailed, OverlayDamaged } from '../errors.js';
import { qemuImg } from './qemu-img.js';

const ImageInfo = z.object({ 'backing-filename': z.string().optional() });

const LOCK_PATIENCE = 10_000;

/**
 * Makes sure, by QEMU's image locks, that nobody writes these images. What has just been killed may take a moment to
 * let go.
 * @throws DisksHeld, ImageToolFailed, the signal's reason
 */
export async function assertFree(
  images: readonly { path: string; format: 'raw' | 'qcow2' }[],
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + LOCK_PATIENCE;
  for (const { path, format } of images.filter((image) => existsSync(image.path))) {
    for (;;) {
      try {
        await qemuImg({ path, signal }, 'info', '-f', format, '--', path);
        break;
      } catch (error) {
        // What cannot be read is no overlay of ours yet: a draft that a crash left. It holds nobody.
        if (error instanceof ImageToolFailed) break;
        if (!(error instanceof DisksHeld) || performance.now() > deadline) throw error;
      }
      await delay(200, undefined, { signal });
    }
  }
}

/** Takes what earlier attempts left away, and makes empty overlays in its place. @throws ImageToolFailed, the signal's reason */
export async function makeOverlays(overlays: readonly Overlay[], signal: AbortSignal): Promise<void> {
  for (const { path, base, baseFormat } of overlays) {
    await makeEmpty(path);
    const task = { path, read: [base], write: [path], signal };
    await qemuImg(task, 'create', '-q', '-f', 'qcow2', '-b', base, '-F', baseFormat, '--', path);
  }
  await flushOverlays(overlays);
}

/** In place of what was there: what qemu-img makes an image of must be there for its sandbox to show it. */
export async function makeEmpty(path: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, '', { flag: 'wx' });
}

/** Makes overlays and their names durable. */
export async function flushOverlays(overlays: readonly Overlay[]): Promise<void> {
  for (const { path } of overlays) await flush(path, 'r+');
  for (const folder of new Set(overlays.map(({ path }) => dirname(path)))) await flush(folder, 'r');
}

/** @throws OverlayDamaged where an overlay is not sound in itself; the signal's reason */
export async function checkOverlays(overlays: readonly Overlay[], signal: AbortSignal): Promise<void> {
  for (const { path, base } of overlays) {
    try {
      await qemuImg({ path, read: [path, base], signal }, 'check', '-q', '-f', 'qcow2', '--', path);
    } catch (error) {
      if (error instanceof ImageToolFailed) throw new OverlayDamaged(path, error.message);
      throw error;
    }
  }
}

/**
 * The command that commits one overlay, in a sandbox: the overlay keeps its content, so that this may be repeated.
 * @throws SandboxMissing, SandboxUnproven
 */
export async function commitCommand({
  path,
  base,
}: Pick<Overlay, 'path' | 'base'>): Promise<[string, ...string[]]> {
  const commit = ['commit', '-q', '-d', '-f', 'qcow2', '--', path];
  const sandbox = await sandboxCommand({ read: [], write: [path, base], network: 'none' });
  const [command = 'qemu-img', ...rest] = [...(sandbox ?? []), 'qemu-img', ...commit];
  return [command, ...rest];
}

/** What an overlay says of its base. @throws ImageToolFailed, the signal's reason */
export async function backingOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const info = await qemuImg({ path, signal }, 'info', '-f', 'qcow2', '--output=json', '--', path);
  return ImageInfo.parse(JSON.parse(info))['backing-filename'];
}

/**
 * Index of the first disk whose boot sector holds GRUB, which is the sign that newer versions of virt-v2v go by
 * (convert.ml, has_grub_signature). Undefined where there is none.
 */
export async function grubDisk(
  overlays: readonly Overlay[],
  scratch: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (const [index, { path, base }] of overlays.entries()) {
    const copy = join(scratch, `boot-sector-${index}`);
    const sector = ['bs=512', 'count=1', `if=${path}`, `of=${copy}`];
    await makeEmpty(copy);
    await qemuImg(
      { path, read: [path, base], write: [copy], signal },
      'dd',
      '-f',
      'qcow2',
      '-O',
      'raw',
      ...sector,
    );
    if ((await readFile(copy, 'latin1')).includes('GRUB')) return index;
  }
  return undefined;
}

/** Writes a file's or a folder's content through to the storage. */
export async function flush(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
