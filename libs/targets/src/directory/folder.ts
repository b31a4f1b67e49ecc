import type { VmRecord } from '@ledgerlift/contracts';
import { syncFolder } from '@ledgerlift/processes';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NotOurs, RecordMismatch, TargetUnusable, UnsafePath } from '../errors.js';
import { errorCode, kindOf, makeFolders, resolveInside, writeFileAtomic } from '../files/paths.js';
import {
  describeOwner,
  isSameOwner,
  MARKER,
  NAMESPACE_MARKER,
  type Owner,
  ownerOf,
  readNamespaceOwner,
  readOwner,
  removeMarked,
  stagingName,
} from './marker.js';

export interface VmFolder {
  /** Absolute path. */
  readonly path: string;
  readonly how: 'created' | 'found';
}

/** Whether a path belongs to a VM's migration. */
export type Ownership = { readonly is: 'absent' | 'ours' } | { readonly is: 'foreign'; readonly why: string };

/** Returns the target's root. @throws RecordMismatch if the VM's target is not a directory */
export function rootOf({ target, targetName }: VmRecord): string {
  if (target.type !== 'directory')
    throw new RecordMismatch(`the target of "${targetName}" is of type "${target.type}", not a directory`);
  return target.settings.path;
}

/** Reads who owns a path. */
export async function ownershipOf(path: string, owner: Owner): Promise<Ownership> {
  const kind = await kindOf(path);
  if (kind === 'absent') return { is: 'absent' };
  if (kind !== 'folder') return { is: 'foreign', why: `it is a ${kind}, not a folder` };
  const found = await readOwner(path);
  if (found === undefined) return { is: 'foreign', why: `it has no readable ${MARKER}` };
  return isSameOwner(found, owner) ? { is: 'ours' } : { is: 'foreign', why: describeOwner(found) };
}

/**
 * Opens the VM's folder, and creates it if it is missing. It gets its name only after its marker is written, so that a crash
 * never leaves a folder that could be mistaken for a user's.
 *
 * @throws NotOurs if something else has the name; it is left untouched
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
      // An attempt that was killed, or lost a race, may have left its draft of the folder.
      await removeDraft(join(dirname(path), stagingName(record)));
      return { path, how: 'found' };
    }
    if (ownership.is === 'foreign') throw new NotOurs(path, ownership.why);
    await openNamespaceFolder(dirname(path), owner.installation);
    if (await makeVmFolder(path, record, owner)) return { path, how: 'created' };
  }
  throw new TargetUnusable(path, 'the folder keeps changing while it is being created');
}

/** Returns the absolute path of a log or manifest of the record, and creates its subfolder. The VM's folder must be ours. */
export async function openSubfolderOf(record: VmRecord, name: string): Promise<string> {
  const path = await resolveOwned(record, name);
  await seeFolder(record);
  await makeFolders(dirname(path));
  return path;
}

/** Checks that the VM's folder exists and is ours. @throws NotOurs, TargetUnusable, UnsafePath */
export async function seeFolder(record: VmRecord): Promise<void> {
  const folder = await resolveInside(rootOf(record), record.folder);
  const ownership = await ownershipOf(folder, ownerOf(record));
  if (ownership.is === 'foreign') throw new NotOurs(folder, ownership.why);
  if (ownership.is === 'absent')
    throw new TargetUnusable(folder, 'the folder of the VM is gone, and with it its disks');
}

/**
 * Returns the absolute path of a name in the record. @throws UnsafePath if it is outside the VM's folder
 */
export async function resolveOwned(record: VmRecord, name: string): Promise<string> {
  const root = rootOf(record);
  if (name !== record.folder && !name.startsWith(`${record.folder}/`))
    throw new UnsafePath(root, name, `it is outside the VM's folder "${record.folder}"`);
  return resolveInside(root, name);
}

/**
 * Returns the absolute paths of the record's disks, in its order. Adopted disks must be outside the VM's folder, and only they
 * may be: everything inside is ours, and is removed with the folder.
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
    throw new UnsafePath(root, name, `it was adopted, but is in the VM's folder "${record.folder}"`);
  return resolveInside(root, name);
}

/** @returns false if another process took the name, or removed the empty namespace, at the same time: look again */
async function makeVmFolder(path: string, record: VmRecord, owner: Owner): Promise<boolean> {
  const staging = join(dirname(path), stagingName(record));
  try {
    // It may be a leftover of an earlier attempt of this VM; nobody else uses the name.
    if ((await kindOf(staging)) === 'absent') await mkdir(staging);
    await writeFileAtomic(join(staging, MARKER), `${JSON.stringify(owner)}\n`);
    // A rename would silently replace an empty folder.
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

/** Removes a draft of the VM's folder, unless another process is writing into it: that one looks again, and removes it. */
async function removeDraft(staging: string): Promise<void> {
  if ((await kindOf(staging)) !== 'folder') return;
  await removeMarked(staging, MARKER).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOTEMPTY') throw error;
  });
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
