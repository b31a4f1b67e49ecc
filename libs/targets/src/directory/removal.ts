import { rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { unfinished } from '@ledgerlift/processes';
import { NotOurs } from '../errors.js';
import { errorCode, kindOf } from '../files/safe-path.js';

/** Takes a folder away that holds nothing but its marker. */
export async function removeMarked(folder: string, marker: string): Promise<void> {
  await removeFile(join(folder, unfinished(marker)));
  await removeFile(join(folder, marker));
  try {
    await rmdir(folder);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** @throws NotOurs where it is a folder */
export async function removeFile(path: string): Promise<'removed' | 'absent'> {
  const kind = await kindOf(path);
  if (kind === 'folder') throw new NotOurs(path, 'it is a folder where a file was made');
  if (kind === 'absent') return 'absent';
  try {
    await unlink(path);
    return 'removed';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'absent';
    throw error;
  }
}
