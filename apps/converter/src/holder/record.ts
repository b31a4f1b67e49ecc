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
import { HeldElsewhere, HolderUnreadable, LeftoverAlive } from '../errors.js';
import { propertyOf } from '../system-error.js';

/** Who works on a VM's disks: written, durably, before the first process touches them. */
export const HolderRecord = ProcessRecord.extend({
  mark: z.string().min(8),
  /** A folder of this host that goes with the processes. */
  scratch: z.string().startsWith('/'),
  worker: z.string(),
  installation: z.string(),
  /** The VM's stream. */
  stream: z.string(),
});
export type HolderRecord = z.infer<typeof HolderRecord>;

/** For whom a process works. */
export type HolderOwner = Pick<HolderRecord, 'worker' | 'installation' | 'stream'>;

/** How the search for an earlier holder ended. */
export type HolderEnd =
  /** There was none of this VM, or it has been seen gone. */
  | 'gone'
  /** It ran on this kernel among processes that we cannot see (another container): only the image locks tell. */
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
 * Ends what an earlier attempt left running, sees it gone, and removes its scratch. The record itself stays, for its
 * name is in the ledger.
 * @throws HeldElsewhere, HolderUnreadable, LeftoverAlive
 */
export async function endHolder(
  path: string,
  owner: Pick<HolderOwner, 'installation' | 'stream'>,
): Promise<HolderEnd> {
  const record = await readHolder(path);
  // Under the same name there may be another VM by now, whose processes are none of our business.
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
