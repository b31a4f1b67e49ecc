import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TargetUnusable } from '../errors.js';
import { errorCode, syncFolder } from './safe-path.js';

/** What a file is called while it is being made; deterministic, so that a clean-up finds what a crash left. */
export const unfinished = (path: string): string => `${path}.unfinished`;

/**
 * Writes a file so that there is the old content or the new one at any moment, also after a power cut.
 * @throws TargetUnusable
 */
export async function writeFileAtomic(path: string, content: string): Promise<void> {
  const draft = unfinished(path);
  try {
    const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
    const handle = await open(draft, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o644);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (error) {
    // Half a file helps nobody, and on a full disk its room is needed.
    await unlink(draft).catch(() => undefined);
    throw new TargetUnusable(path, `it cannot be written (${errorCode(error)})`, error);
  }
}
