import type { Release, Resource, VmRecord } from '@ledgerlift/contracts';
import { syncFolder, unfinished } from '@ledgerlift/processes';
import { readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NotOurs, TargetUnusable } from '../errors.js';
import { SUBFOLDERS } from '../files/layout.js';
import { errorCode, kindOf, removeEmptyFolder, writeFileAtomic } from '../files/paths.js';
import { emptyFolder } from '../files/vm-files.js';
import { isOurNamespace, type Ownership, ownershipOf, resolveOwned } from './folder.js';
import { MARKER, NAMESPACE_MARKER, ownerOf, removeFile, removeMarked, stagingName } from './marker.js';

type How = Release['how'];

/**
 * Removes one claimed resource, durably. Its writer must have ended. Never removes anything outside the VM's folder, or in a
 * folder of another owner.
 *
 * @returns `absent` if it was already gone, or its name now belongs to somebody else
 * @throws UnsafePath, NotOurs: nothing was touched
 * @throws FolderNotEmpty if the folder holds files of others: it is kept whole
 */
export async function release(record: VmRecord, resource: Resource): Promise<How> {
  // It is also outside the folder, but this reason matters more.
  if (record.disks.some(({ adopted, name }) => adopted === true && name === resource.name))
    throw new NotOurs(resource.name, 'it was adopted, so it existed before');
  const path = await resolveOwned(record, resource.name);
  const folder = await resolveOwned(record, record.folder);
  // Our folder never has its name without our marker, so without the marker it is not ours.
  const { is } = await ownershipOf(folder, ownerOf(record));
  if (is === 'foreign' && resource.kind !== 'folder') return 'absent';
  try {
    return resource.kind === 'folder' ? await releaseFolder(record, path, is) : await releaseFile(path);
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(path, `it cannot be removed (${errorCode(error)})`, error);
  }
}

/**
 * Removes drafts of kept manifests: a crash may have left one beside the file, or instead of it. Their writer must have ended.
 *
 * @throws UnsafePath: nothing was touched
 */
export async function sweepDrafts(record: VmRecord, kept: readonly Resource[]): Promise<void> {
  const folder = await resolveOwned(record, record.folder);
  const { is } = await ownershipOf(folder, ownerOf(record));
  if (is !== 'ours') return;
  for (const { name } of kept.filter(({ kind }) => kind === 'manifest')) {
    const path = await resolveOwned(record, name);
    if ((await removeFile(unfinished(path))) === 'removed') await syncFolder(dirname(path));
  }
}

async function releaseFile(path: string): Promise<How> {
  const draft = await removeFile(unfinished(path));
  const file = await removeFile(path);
  const folder = dirname(path);
  if (file === 'removed' || draft === 'removed') await syncFolder(folder);
  if (SUBFOLDERS.includes(basename(folder)) && (await removeEmptyFolder(folder)))
    await syncFolder(dirname(folder));
  return file;
}

/** Renames the folder atomically before removing it, so that our folder never appears without its marker. */
async function releaseFolder(record: VmRecord, path: string, is: Ownership['is']): Promise<How> {
  const parent = dirname(path);
  const staging = join(parent, stagingName(record));
  if (is === 'ours') {
    await emptyFolder(path, [MARKER, unfinished(MARKER)]);
    if ((await kindOf(staging)) === 'folder') await removeMarked(staging, MARKER);
    await rename(path, staging);
    await syncFolder(parent);
  }
  if ((await kindOf(staging)) === 'folder') await removeMarked(staging, MARKER);
  if ((await kindOf(parent)) === 'folder') {
    await syncFolder(parent);
    await releaseNamespace(parent, record.installation);
  }
  return is === 'ours' ? 'removed' : 'absent';
}

/** Removes the namespace's folder if we created it and its last VM is gone. */
async function releaseNamespace(path: string, installation: string): Promise<void> {
  if (!(await isOurNamespace(path, installation))) return;
  const left = await readdir(path);
  if (left.some((name) => name !== NAMESPACE_MARKER)) return;
  try {
    await removeMarked(path, NAMESPACE_MARKER);
    await syncFolder(dirname(path));
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) throw error;
    // Another VM moved in meanwhile, so the folder stays, and stays ours.
    await writeFileAtomic(join(path, NAMESPACE_MARKER), `${JSON.stringify({ installation })}\n`);
  }
}
