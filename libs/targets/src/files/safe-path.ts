import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { syncFolder } from '@ledgerlift/processes';
import { TargetUnusable, UnsafePath } from '../errors.js';

/** `ENOENT` and its like; empty where the error is none of the system's. */
export function errorCode(error: unknown): string {
  // By shape: an error may come from another realm, where `instanceof Error` is false.
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : '';
}

export type FileKind = 'absent' | 'file' | 'folder' | 'symlink' | 'other';

/** What stands at a path, without following a link. */
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
 * The absolute path of a name below a root, once it is sure that the name leads nowhere else: no `..`, no absolute
 * name, no symbolic link on the way (the root itself may be one; that is the user's choice).
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
    throw new TargetUnusable(path, `the folder cannot be made (${errorCode(error)})`, error);
  }
}
