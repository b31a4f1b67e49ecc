import { readdir, rename, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Release, Resource, VmRecord } from '@ledgerlift/contracts';
import { syncFolder, unfinished } from '@ledgerlift/processes';
import { FolderNotEmpty, NotOurs, TargetUnusable } from '../errors.js';
import { writeFileAtomic } from '../files/atomic-file.js';
import { removeFile, removeMarked } from './removal.js';
import { isOurNamespace, type Ownership, ownershipOf, resolveOwned } from './folder.js';
import { MARKER, NAMESPACE_MARKER, ownerOf, stagingName } from './marker.js';
import { errorCode, kindOf } from '../files/safe-path.js';

type How = Release['how'];
/** Subfolders that we make beside the disks; they go when they are empty. */
const SUBFOLDERS = ['logs', 'manifests'];

/**
 * Takes one claimed resource away, durably. Whoever wrote it must have ended. Nothing is removed that lies outside
 * the VM's folder, or in a folder that is not this migration's.
 *
 * @returns `absent` when it was gone before, or what stands there now is not ours
 * @throws UnsafePath, NotOurs: nothing was touched
 * @throws FolderNotEmpty when files that are not ours lie in the folder: it stays, whole
 */
export async function release(record: VmRecord, resource: Resource): Promise<How> {
  // Lies outside the folder, too; said first, as nothing matters more.
  if (record.disks.some(({ adopted, name }) => adopted === true && name === resource.name))
    throw new NotOurs(resource.name, 'it was there before, and adopted');
  const path = await resolveOwned(record, resource.name);
  const folder = await resolveOwned(record, record.folder);
  // Ours never stands under its name without saying so: what says nothing, or another's name, is not what we made.
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
 * Takes away the drafts of manifests that are kept: a crash may have left one beside the file, or in its place. Whoever wrote
 * them must have ended.
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

/** Moved aside in one instant, so that no moment shows a folder of ours that does not say so. */
async function releaseFolder(record: VmRecord, path: string, is: Ownership['is']): Promise<How> {
  const parent = dirname(path);
  const staging = join(parent, stagingName(record));
  if (is === 'ours') {
    for (const name of SUBFOLDERS) await removeEmptyFolder(join(path, name));
    const left = (await readdir(path)).filter((name) => ![MARKER, unfinished(MARKER)].includes(name));
    if (left.length > 0) throw new FolderNotEmpty(path, left);
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

/** The namespace's folder, when we made it and its last VM is gone. */
async function releaseNamespace(path: string, installation: string): Promise<void> {
  if (!(await isOurNamespace(path, installation))) return;
  const left = await readdir(path);
  if (left.some((name) => name !== NAMESPACE_MARKER)) return;
  try {
    await removeMarked(path, NAMESPACE_MARKER);
    await syncFolder(dirname(path));
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) throw error;
    // Another VM moved in meanwhile: the folder goes on, and stays ours.
    await writeFileAtomic(join(path, NAMESPACE_MARKER), `${JSON.stringify({ installation })}\n`);
  }
}

async function removeEmptyFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error))) return false;
    throw error;
  }
}
