import { createHash } from 'node:crypto';
import { readFile, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { unfinished } from '@ledgerlift/processes';
import { z } from 'zod';
import { NotOurs } from '../errors.js';
import { errorCode, kindOf } from '../files/paths.js';

/** Names the owner of a VM's folder. A folder without it, or with another owner, is never touched. */
export const MARKER = '.ledgerlift.json';
/** Names the owner of a namespace's folder that we created, so that it is removed with its last VM. */
export const NAMESPACE_MARKER = '.ledgerlift-namespace.json';

const Owner = z.object({ installation: z.string(), migration: z.string(), vm: z.int().min(0) });
export type Owner = z.infer<typeof Owner>;
const NamespaceOwner = z.object({ installation: z.string() });

export const ownerOf = (record: VmRecord): Owner => ({
  installation: record.installation,
  migration: record.migrationId,
  vm: record.index,
});

export const isSameOwner = (a: Owner, b: Owner): boolean =>
  a.installation === b.installation && a.migration === b.migration && a.vm === b.vm;

export const describeOwner = (owner: Owner): string =>
  `it belongs to VM ${owner.vm} of migration ${owner.migration} of the installation ${owner.installation}`;

/** Reads a folder's owner; undefined without a readable marker. */
export const readOwner = (folder: string): Promise<Owner | undefined> =>
  readMarker(join(folder, MARKER), Owner);

export const readNamespaceOwner = (folder: string): Promise<z.infer<typeof NamespaceOwner> | undefined> =>
  readMarker(join(folder, NAMESPACE_MARKER), NamespaceOwner);

/** Name beside the VM's folder while it is created or removed. Unique for each VM of each migration. */
export function stagingName(record: VmRecord): string {
  const { installation, migration, vm } = ownerOf(record);
  const digest = createHash('sha256')
    .update(JSON.stringify([installation, migration, vm]))
    .digest('hex');
  return `.ledgerlift-${digest.slice(0, 16)}`;
}

async function readMarker<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errorCode(error)))
      return undefined;
    throw error;
  }
}

/** Removes a folder that holds only its marker. */
export async function removeMarked(folder: string, marker: string): Promise<void> {
  await removeFile(join(folder, unfinished(marker)));
  await removeFile(join(folder, marker));
  try {
    await rmdir(folder);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** @throws NotOurs if it is a folder */
export async function removeFile(path: string): Promise<'removed' | 'absent'> {
  const kind = await kindOf(path);
  if (kind === 'folder') throw new NotOurs(path, 'it is a folder, but we created a file');
  if (kind === 'absent') return 'absent';
  try {
    await unlink(path);
    return 'removed';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'absent';
    throw error;
  }
}
