import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Resource, StepName, VmRecord } from '@ledgerlift/contracts';
import { type Workplace, guardOf, targetOf, whereOf } from '@ledgerlift/targets';
import { vmRecord } from '@ledgerlift/testing';

const MiB = 2 ** 20;

export interface VmOptions {
  readonly root: string;
  readonly disks?: number;
  readonly size?: number;
  readonly format?: 'raw' | 'qcow2';
  readonly settings?: Partial<VmRecord['settings']>;
}

/** The record of a VM that migrates into a directory. */
export const vmOf = ({
  root,
  disks = 2,
  size = 4 * MiB,
  format = 'qcow2',
  settings = {},
}: VmOptions): VmRecord => vmRecord({ root, disks, eachDisk: { capacityBytes: size }, format, settings });

export const { claimsFor } = targetOf('directory');

/** Names of a step's claims of one kind. */
export const claimed = (record: VmRecord, step: StepName, kind: Resource['kind']): string[] =>
  claimsFor(record)[step].flatMap((resource) => (resource.kind === kind ? [resource.name] : []));

/** Creates the VM's folder like DiskAllocation. */
export async function openPlace(record: VmRecord): Promise<Workplace> {
  const ref = { stream: 'vm-m1-0', step: 'DiskAllocation', attempt: 1, worker: 'spec' } as const;
  const guard = guardOf({ ref, signal: new AbortController().signal });
  const place = await targetOf(record.target.type).workplace(record, guard);
  await place.open();
  return place;
}

/** Creates the VM's folder and disks, each filled with its own pattern: 0x10, 0x11, … */
export async function placeDisks(record: VmRecord, size = 4 * MiB): Promise<void> {
  await using place = await openPlace(record);
  for (const [index, disk] of record.disks.entries()) {
    const path = join(whereOf(record.target), disk.name);
    await place.disks.allocate(disk.diskId, size);
    qemuIo(path, disk.format, `write -P ${0x10 + index} 0 ${size}`);
  }
}

/** Runs one of qemu-io's commands; throws if it fails, for example because a pattern does not match. */
export function qemuIo(path: string, format: 'raw' | 'qcow2', command: string): void {
  // Old versions of qemu-io exit with 0 even if a pattern does not match, so check the output.
  const text = execFileSync('qemu-io', ['-f', format, '-c', command, path], { encoding: 'utf8' });
  if (/failed|error/i.test(text)) throw new Error(text);
}
