import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file is called while it is being made; deterministic, so that a clean-up finds what a crash left. */
export const unfinished = (path: string): string => `${path}.unfinished`;

export interface AtomicFileOptions {
  readonly mode?: number;
  /** Called when the new content is durable beside the old one, right before it takes its place. */
  readonly beforeRename?: () => Promise<void>;
}

/**
 * Writes a file so that there is the old content or the new one at any moment, also after a power cut. A link in the place
 * of its draft is not followed.
 *
 * @throws what the file system says; the draft is gone then
 */
export async function writeFileAtomic(
  path: string,
  content: string | readonly Buffer[],
  { mode = 0o644, beforeRename }: AtomicFileOptions = {},
): Promise<void> {
  const draft = unfinished(path);
  try {
    const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
    const handle = await open(draft, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, mode);
    try {
      if (typeof content === 'string') await handle.writeFile(content);
      else for (const part of content) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await beforeRename?.();
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (error) {
    // Half a file helps nobody, and on a full disk its room is needed.
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}

/** Makes what was created, renamed or removed in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
