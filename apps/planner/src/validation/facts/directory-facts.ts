import { constants } from 'node:fs';
import { access, lstat, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { InventoryProblem } from '@ledgerlift/contracts';
import { codeOf, reasonOf } from '../../inventory/index.js';

/** What the planner can see of a directory target, and its workers would find. */
export interface DirectoryFacts {
  readonly problems: readonly InventoryProblem[];
  readonly freeBytes: number | undefined;
  /** Of the places asked for: those where something is. */
  readonly taken: ReadonlyMap<string, string>;
}

/**
 * Looks, and touches nothing. A folder that is not there yet is made later, so its nearest existing parent counts.
 *
 * @param places `namespace/name`, below the folder
 */
export async function directoryFacts(path: string, places: readonly string[]): Promise<DirectoryFacts> {
  try {
    const existing = await nearestExisting(path);
    if (!(await stat(existing)).isDirectory()) return unusable(path, `${existing} is not a folder`);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const taken = new Map<string, string>();
    for (const place of places) {
      if (await exists(join(path, place))) taken.set(place, `${join(path, place)} exists`);
    }
    return { problems: [], freeBytes: bavail * bsize, taken };
  } catch (error) {
    return unusable(path, reasonOf(error));
  }
}

const unusable = (path: string, message: string): DirectoryFacts => ({
  problems: [{ item: path, code: 'NotWritable', message }],
  freeBytes: undefined,
  taken: new Map(),
});

async function nearestExisting(path: string): Promise<string> {
  if (await exists(path)) return path;
  const parent = dirname(path);
  return parent === path ? path : nearestExisting(parent);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}
