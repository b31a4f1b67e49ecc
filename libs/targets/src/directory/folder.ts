import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { syncFolder } from '@ledgerlift/processes';
import { NotOurs, RecordMismatch, TargetUnusable, UnsafePath } from '../errors.js';
import { writeFileAtomic } from '../files/atomic-file.js';
import {
  describeOwner,
  isSameOwner,
  MARKER,
  NAMESPACE_MARKER,
  type Owner,
  ownerOf,
  readNamespaceOwner,
  readOwner,
  stagingName,
} from './marker.js';
import { removeMarked } from './removal.js';
import { errorCode, kindOf, makeFolders, resolveInside } from '../files/safe-path.js';

export interface VmFolder {
  /** Absolute path. */
  readonly path: string;
  readonly how: 'created' | 'found';
}

/** How a path stands to a VM's migration. */
export type Ownership = { readonly is: 'absent' | 'ours' } | { readonly is: 'foreign'; readonly why: string };

/** The target's root. @throws RecordMismatch where the VM's target is no directory */
export function rootOf({ target, targetName }: VmRecord): string {
  if (target.type !== 'directory')
    throw new RecordMismatch(`the target of "${targetName}" is of type "${target.type}", and no directory`);
  return target.settings.path;
}

/** Looks, and touches nothing. */
export async function ownershipOf(path: string, owner: Owner): Promise<Ownership> {
  const kind = await kindOf(path);
  if (kind === 'absent') return { is: 'absent' };
  if (kind !== 'folder') return { is: 'foreign', why: `it is a ${kind}, not a folder` };
  const found = await readOwner(path);
  if (found === undefined) return { is: 'foreign', why: `it has no readable ${MARKER}` };
  return isSameOwner(found, owner) ? { is: 'ours' } : { is: 'foreign', why: describeOwner(found) };
}

/**
 * The VM's folder, made when it is not there. It appears under its name only once it says whose it is, so that
 * a crash leaves nothing that cannot be told from what a user put there.
 *
 * @throws NotOurs when something else has the name; it is left untouched
 * @throws UnsafePath, TargetUnusable
 */
export async function openVmFolder(record: VmRecord): Promise<VmFolder> {
  const root = rootOf(record);
  const owner = ownerOf(record);
  await makeFolders(root);
  const path = await resolveInside(root, record.folder);
  if (dirname(record.folder) === '.') throw new UnsafePath(root, record.folder, 'it names no namespace');
  for (let tries = 0; tries < 5; tries += 1) {
    const ownership = await ownershipOf(path, owner);
    if (ownership.is === 'ours') {
      // An attempt that came second, or was killed, may have left its draft of the folder.
      const staging = join(dirname(path), stagingName(record));
      if ((await kindOf(staging)) === 'folder') await removeMarked(staging, MARKER);
      return { path, how: 'found' };
    }
    if (ownership.is === 'foreign') throw new NotOurs(path, ownership.why);
    await openNamespaceFolder(dirname(path), owner.installation);
    if (await makeVmFolder(path, record, owner)) return { path, how: 'created' };
  }
  throw new TargetUnusable(path, 'the folder keeps changing while it is being made');
}

/** @returns the absolute path of a name of the record (a log, a manifest), its subfolder made; the VM's folder must be ours */
export async function openSubfolderOf(record: VmRecord, name: string): Promise<string> {
  const path = await resolveOwned(record, name);
  await seeFolder(record);
  await makeFolders(dirname(path));
  return path;
}

/** Sees that the VM's folder is there, and ours. @throws NotOurs, TargetUnusable, UnsafePath */
export async function seeFolder(record: VmRecord): Promise<void> {
  const folder = await resolveInside(rootOf(record), record.folder);
  const ownership = await ownershipOf(folder, ownerOf(record));
  if (ownership.is === 'foreign') throw new NotOurs(folder, ownership.why);
  if (ownership.is === 'absent')
    throw new TargetUnusable(folder, 'the folder of the VM is gone, and with it its disks');
}

/**
 * The absolute path of something that the record names. @throws UnsafePath when it lies outside the VM's folder
 */
export async function resolveOwned(record: VmRecord, name: string): Promise<string> {
  const root = rootOf(record);
  if (name !== record.folder && !name.startsWith(`${record.folder}/`))
    throw new UnsafePath(root, name, `it lies outside the VM's folder "${record.folder}"`);
  return resolveInside(root, name);
}

/**
 * Absolute paths of the record's disks, in its order. Only one that the record says was adopted may lie outside the VM's
 * folder, and it may not lie in it: what lies there is ours, and would go with it.
 *
 * @throws UnsafePath
 */
export async function diskPathsOf(record: VmRecord): Promise<string[]> {
  return Promise.all(
    record.disks.map((disk) =>
      disk.adopted === true ? resolveAdopted(record, disk.name) : resolveOwned(record, disk.name),
    ),
  );
}

async function resolveAdopted(record: VmRecord, name: string): Promise<string> {
  const root = rootOf(record);
  if (name === record.folder || name.startsWith(`${record.folder}/`))
    throw new UnsafePath(root, name, `it was adopted, and lies in the VM's folder "${record.folder}"`);
  return resolveInside(root, name);
}

/** @returns false when somebody else was faster, with the name or in taking the empty namespace away: look again */
async function makeVmFolder(path: string, record: VmRecord, owner: Owner): Promise<boolean> {
  const staging = join(dirname(path), stagingName(record));
  try {
    // May be left by an earlier attempt of this VM: nobody else has the name.
    if ((await kindOf(staging)) === 'absent') await mkdir(staging);
    await writeFileAtomic(join(staging, MARKER), `${JSON.stringify(owner)}\n`);
    // Renaming a folder would replace an empty one.
    if ((await kindOf(path)) !== 'absent') return false;
    await rename(staging, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    const code = errorCode(error instanceof TargetUnusable ? error.cause : error);
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(code)) return false;
    throw error;
  }
}

async function openNamespaceFolder(path: string, installation: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    if ((await kindOf(path)) !== 'folder') throw new NotOurs(path, 'it is not a folder');
    return;
  }
  await writeFileAtomic(join(path, NAMESPACE_MARKER), `${JSON.stringify({ installation })}\n`);
  await syncFolder(dirname(path));
}

/** Whether this installation made the namespace's folder. */
export async function isOurNamespace(path: string, installation: string): Promise<boolean> {
  return (await readNamespaceOwner(path))?.installation === installation;
}
