import { lstat, mkdir, realpath, rmdir } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { syncFolder, writeFileAtomic as write } from '@ledgerlift/processes';
import { TargetUnusable, UnsafePath } from '../errors.js';

/** Returns the code of a system error, such as `ENOENT`; empty for other errors. */
export function errorCode(error: unknown): string {
  // Check the shape, because `instanceof Error` is false for errors from another realm.
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : '';
}

export type FileKind = 'absent' | 'file' | 'folder' | 'symlink' | 'other';

/** Returns the kind of file at a path, without following links. */
export async function kindOf(path: string): Promise<FileKind> {
  try {
    const stat = await lstat(path);
    if (stat.isSymbolicLink()) return 'symlink';
    if (stat.isDirectory()) return 'folder';
    return stat.isFile() ? 'file' : 'other';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return 'absent';
    throw error;
  }
}

/**
 * Returns the absolute path of a name below a root. Refuses names that could leave the root: `..`, absolute names, and symbolic
 * links on the way (the root itself may be one; that is the user's choice).
 *
 * @throws UnsafePath
 */
export async function resolveInside(root: string, name: string): Promise<string> {
  const parts = name.split('/');
  if (isAbsolute(name) || name.includes('\0') || parts.some((part) => ['', '.', '..'].includes(part)))
    throw new UnsafePath(root, name, 'it is not a plain path below the target');
  let path = await realpath(root).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return root;
    throw error;
  });
  for (const part of parts) {
    path = join(path, part);
    if ((await kindOf(path)) === 'symlink') throw new UnsafePath(root, name, `"${path}" is a symbolic link`);
  }
  return path;
}

/** Like `mkdir -p`, each new folder durable. @throws TargetUnusable */
export async function makeFolders(path: string): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  } catch (error) {
    throw new TargetUnusable(path, `the folder cannot be created (${errorCode(error)})`, error);
  }
}

/**
 * Writes a file atomically and durably: even after a power cut, it has either the old or the new content.
 * @throws TargetUnusable
 */
export async function writeFileAtomic(path: string, content: string): Promise<void> {
  try {
    await write(path, content);
  } catch (error) {
    throw new TargetUnusable(path, `it cannot be written (${errorCode(error)})`, error);
  }
}

/** @returns whether it removed the folder: not if there is none, or if it is not empty */
export async function removeEmptyFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error))) return false;
    throw error;
  }
}
