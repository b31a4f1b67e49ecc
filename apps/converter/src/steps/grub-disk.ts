import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imageError, makeEmpty, qemuImg } from '@ledgerlift/targets';
import type { Workplace } from './workplace.js';

/**
 * Index of the first disk whose boot sector holds GRUB, which is the sign that newer versions of virt-v2v go by
 * (convert.ml, has_grub_signature). Undefined where there is none.
 *
 * @throws DisksHeld, ImageToolFailed, the signal's reason
 */
export async function grubDisk(
  { overlays, scratch }: Pick<Workplace, 'overlays' | 'scratch'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  await mkdir(scratch, { recursive: true });
  try {
    for (const [index, { path, base }] of overlays.entries()) {
      const copy = join(scratch, `boot-sector-${index}`);
      const sector = ['bs=512', 'count=1', `if=${path}`, `of=${copy}`];
      await makeEmpty(copy);
      const run = { read: [path, base], write: [copy], signal, failed: imageError(path, 'dd') };
      await qemuImg(run, 'dd', '-f', 'qcow2', '-O', 'raw', ...sector);
      if ((await readFile(copy, 'latin1')).includes('GRUB')) return index;
    }
    return undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
