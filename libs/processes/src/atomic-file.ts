import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The name of a draft. Deterministic, so that a clean-up finds drafts left by a crash. */
export const unfinished = (path: string): string => `${path}.unfinished`;

export interface AtomicFileOptions {
  readonly mode?: number;
  /** Called when the new content is durable beside the old one, right before it replaces that. */
  readonly beforeRename?: () => Promise<void>;
}

/**
 * Writes a file so that it has either the old or the new content at any moment, even after a power cut. Does not follow a link
 * at the draft's name.
 *
 * @throws errors of the file system, after removing the draft
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
    // Half a draft is useless, and takes up room on a full disk.
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}

/** Flushes a folder, so that created, renamed and removed entries survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
