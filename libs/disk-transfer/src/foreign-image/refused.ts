import { stat } from 'node:fs/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import type { SourceImage } from '../nbd-server/servers.js';
import { imageBytes } from './bytes.js';
import { type ForeignFormat, foreignHeader } from './header.js';

/** An image that leads out of itself, or is not what it was declared as: no tool opens it. */
export class ForeignImageRefused extends LedgerliftError {
  readonly code = 'LL-DSK-040';
  constructor(path: string, why: string) {
    super(`the image in ${path} ${why}`);
  }
}

const formats: Readonly<Record<SourceImage['driver'], ForeignFormat>> = {
  raw: 'raw',
  vmdk: 'vmdk',
  qcow2: 'qcow2',
  vpc: 'vhd',
};

/**
 * Checks an image right before a tool opens it: the file may have been swapped since the inventory was taken.
 *
 * @throws ForeignImageRefused
 */
export async function assertSelfContained({ driver, file, within }: SourceImage): Promise<void> {
  // A tool that is told that bytes are raw follows nothing in them.
  if (driver === 'raw') return;
  const stretch = within ?? { offset: 0, length: (await stat(file)).size };
  const { refusal } = foreignHeader(formats[driver], await imageBytes([{ file, ...stretch }]));
  if (refusal !== undefined) throw new ForeignImageRefused(file, refusal.why);
}
