import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { z } from 'zod';
import { errorCode } from '../files/safe-path.js';

/** In each folder of a VM: whose it is. What has no such file, or another's, is never touched. */
export const MARKER = '.ledgerlift.json';
/** In each namespace's folder that we made: whose it is, so that it goes with its last VM. */
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

/** Whose the folder is; undefined where it says nothing that can be understood. */
export const readOwner = (folder: string): Promise<Owner | undefined> =>
  readMarker(join(folder, MARKER), Owner);

export const readNamespaceOwner = (folder: string): Promise<z.infer<typeof NamespaceOwner> | undefined> =>
  readMarker(join(folder, NAMESPACE_MARKER), NamespaceOwner);

/** Beside the VM's folder, while that is being made or taken away: one for each VM of each migration. */
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
