import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';

/**
 * The process that works on something, and where it runs. Stored beside the work, so that a later process can end it.
 */
export const ProcessRecord = z.object({
  pid: z.int().min(1),
  startTicks: z.coerce.number().int().min(0),
  host: z.string(),
  /** Id of the running kernel, new after each boot. */
  bootId: z.string(),
  /** The pid namespace. Absent in records of older versions. */
  pidNamespace: z.string().optional(),
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;

/** Returns the location fields of a record for the current process. */
export async function thisPlace(): Promise<
  Required<Pick<ProcessRecord, 'host' | 'bootId' | 'pidNamespace'>>
> {
  const [bootId, pidNamespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid'),
  ]);
  return { host: hostname(), bootId: bootId.trim(), pidNamespace };
}

/** Whether this process can look at the process of a record. */
export type Sight =
  /** Its pid means the same here: it can be looked at and ended. */
  | 'in-sight'
  /** It ran on this host before the last boot: it has ended. */
  | 'ended-by-reboot'
  /** It runs on this kernel among processes that cannot be seen from here, as in another container. */
  | 'out-of-sight'
  /** It ran on another host, which cannot be examined. */
  | 'elsewhere';

export async function sightOf(record: Omit<ProcessRecord, 'pid' | 'startTicks'>): Promise<Sight> {
  const here = await thisPlace();
  if (record.bootId !== here.bootId) return record.host === here.host ? 'ended-by-reboot' : 'elsewhere';
  const { pidNamespace = record.host === here.host ? here.pidNamespace : undefined } = record;
  return pidNamespace === here.pidNamespace ? 'in-sight' : 'out-of-sight';
}
