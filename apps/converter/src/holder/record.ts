import { readFile, rm } from 'node:fs/promises';
import {
  GroupAlive,
  type GroupIdentity,
  ProcessRecord,
  endGroup,
  sightOf,
  thisPlace,
  writeFileAtomic,
} from '@ledgerlift/processes';
import { TargetUnusable } from '@ledgerlift/targets';
import { z } from 'zod';
import { HeldElsewhere, HolderUnreadable, LeftoverAlive, propertyOf } from '../errors.js';

/** The processes that use a VM's disks. Written durably before the first process touches them. */
export const HolderRecord = ProcessRecord.extend({
  mark: z.string().min(8),
  /** A folder on this host, removed with the processes. */
  scratch: z.string().startsWith('/'),
  worker: z.string(),
  installation: z.string(),
  /** The VM's stream. */
  stream: z.string(),
});
export type HolderRecord = z.infer<typeof HolderRecord>;

/** The owner of a process. */
export type HolderOwner = Pick<HolderRecord, 'worker' | 'installation' | 'stream'>;

/** Result of the search for an earlier holder. */
export type HolderEnd =
  /** This VM had none, or it has ended. */
  | 'gone'
  /** It ran on this kernel in another container, so we cannot see it; only the image locks show whether it lives. */
  | 'out-of-sight';

/** @throws TargetUnusable */
export async function writeHolder(
  path: string,
  group: GroupIdentity,
  about: Pick<HolderRecord, 'scratch' | keyof HolderOwner>,
): Promise<void> {
  const { scratch, worker, installation, stream } = about;
  const record: HolderRecord = { ...group, scratch, worker, installation, stream, ...(await thisPlace()) };
  await writeFileAtomic(path, `${JSON.stringify(record)}\n`).catch((error: unknown) => {
    throw new TargetUnusable(path, `it cannot be written (${propertyOf(error, 'code')})`, error);
  });
}

/**
 * Ends processes of an earlier attempt, confirms that they are gone, and removes their scratch folder. The record
 * itself stays, because its name is in the ledger.
 * @throws HeldElsewhere, HolderUnreadable, LeftoverAlive
 */
export async function endHolder(
  path: string,
  owner: Pick<HolderOwner, 'installation' | 'stream'>,
): Promise<HolderEnd> {
  const record = await readHolder(path);
  // The record may now belong to another VM of the same name, whose processes we must not touch.
  if (record?.installation !== owner.installation || record.stream !== owner.stream) return 'gone';
  const sight = await sightOf(record);
  if (sight === 'elsewhere') throw new HeldElsewhere(path, record.host);
  if (sight === 'out-of-sight') return 'out-of-sight';
  if (sight === 'in-sight')
    await endGroup(record).catch((error: unknown) => {
      throw error instanceof GroupAlive ? new LeftoverAlive(error.pids) : error;
    });
  await rm(record.scratch, { recursive: true, force: true });
  return 'gone';
}

async function readHolder(path: string): Promise<HolderRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(propertyOf(error, 'code'))) return undefined;
    throw error;
  }
  try {
    return HolderRecord.parse(JSON.parse(text));
  } catch {
    throw new HolderUnreadable(path);
  }
}
