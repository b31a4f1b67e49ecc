import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Resource, VmRecord } from '@ledgerlift/contracts';
import { RecordMismatch } from '../errors.js';
import { ensureDisk } from '../files/disks.js';
import { resolveInside } from '../files/paths.js';
import { type VmFiles, filesBelow, holderOfDisks, workOnFiles } from '../files/vm-files.js';
import type { Guard, WorkLog, Workplace } from '../workplace.js';
import { NotInsideTheCluster } from './errors.js';
import { ON_SCRATCH } from './ledger.js';
import { ShownLogs } from './pod/shown-logs.js';

/** The folders of a worker pod, from its environment variables. */
export interface BesideDisks {
  /** `disk-0`, … in the record's order: a block device, or a folder with `disk.img`. */
  readonly disks: string;
  readonly scratch: string;
  /** Private to this container: it holds records with pids, which are valid only in the container and vanish with it. */
  readonly own: string;
}

/** Returns the folders if this process runs in a VM's worker pod; undefined otherwise. */
export function besideDisks(env: NodeJS.ProcessEnv = process.env): BesideDisks | undefined {
  const [disks, scratch] = [env['LEDGERLIFT_BESIDE_DISKS'], env['LEDGERLIFT_SCRATCH']];
  if (disks === undefined || scratch === undefined) return undefined;
  return { disks, scratch, own: join(tmpdir(), 'ledgerlift-beside') };
}

/**
 * Opens the workplace in the VM's own pod, where its claims are mounted and the API server is out of reach. Companion files are
 * on the scratch claim and are removed with it; logs are also printed, so that they can be kept.
 */
export async function workplaceBeside(
  record: VmRecord,
  guard: Guard,
  { disks, scratch, own }: BesideDisks,
  shown = new ShownLogs(),
): Promise<Workplace> {
  const path = (name: string): Promise<string> => resolveInside(name.endsWith(WRITER) ? own : scratch, name);
  for (const root of [own, scratch])
    await mkdir(await resolveInside(root, record.folder), { recursive: true });
  const pathOf = ({ volumeMode }: VmRecord['disks'][number], index: number): string =>
    volumeMode === 'Block' ? join(disks, `disk-${index}`) : join(disks, `disk-${index}`, 'disk.img');
  const files: VmFiles = {
    ...filesBelow(scratch, record, path),
    disks: () => Promise.resolve(record.disks.map(pathOf)),
  };
  const work = workOnFiles(files, guard);
  /** Prints the log that a caller opens, even one that an earlier pod wrote. */
  const show = (log: WorkLog): WorkLog => {
    shown.add(log.name, () => path(log.name));
    return log;
  };
  const elsewhere = (what: string) => (): Promise<never> =>
    Promise.reject(new NotInsideTheCluster(what, record.targetName));
  return {
    ...work,
    // The pod mounts nothing but the VM's own claims.
    open: () => Promise.resolve(),
    seeOurs: () => Promise.resolve(),
    disks: {
      ...work.disks,
      openForWriting: async (diskId, size) => {
        await makeImage(files, guard, diskId, size);
        return work.disks.openForWriting(diskId, size);
      },
      unpacked: async (diskId) => onScratch(await work.disks.unpacked(diskId)),
    },
    conversion: (purpose) => {
      const conversion = work.conversion(purpose);
      return {
        ...conversion,
        log: show(conversion.log),
        claims: conversion.claims.map((resource) => onScratch({ resource }).resource),
        holder: async () => onScratch(await conversion.holder()),
      };
    },
    log: (kind) => show(work.log(kind)),
    [Symbol.asyncDispose]: async () => {
      await shown[Symbol.asyncDispose]();
      await work[Symbol.asyncDispose]();
    },
    vm: {
      create: elsewhere('create the VirtualMachine'),
      isCreated: elsewhere('look for the VirtualMachine'),
      setRunStrategy: elsewhere('start or stop the VirtualMachine'),
      holder: holderOfDisks(files, guard),
    },
    release: async ({ kind, name }) => {
      if (!ON_SCRATCH.has(kind)) return elsewhere(`remove the ${kind} of`)();
      const at = await path(name);
      const was = existsSync(at);
      await guard.stillOurs();
      await rm(at, { force: true });
      return was ? 'removed' : 'absent';
    },
    sweep: elsewhere('sweep the objects of'),
  };
}

/** Suffix of process records: see `files/layout.ts`, and a conversion's holder. */
const WRITER = '.writer.json';

/** The service that removes the scratch claim also removes these. */
const onScratch = <T extends { readonly resource: Resource }>(made: T): T => ({
  ...made,
  resource: { ...made.resource, service: 'vm-creator' },
});

/** In a Filesystem volume, a disk is the file that KubeVirt expects. Creates it with the exact size at the first opening. */
async function makeImage(files: VmFiles, guard: Guard, diskId: string, size: number): Promise<void> {
  const index = files.record.disks.findIndex((disk) => disk.diskId === diskId);
  const disk = files.record.disks[index];
  const at = (await files.disks())[index];
  if (disk === undefined || at === undefined)
    throw new RecordMismatch(`the record of "${files.record.targetName}" has no disk "${diskId}"`);
  if (disk.volumeMode === 'Block' || existsSync(at)) return;
  await guard.stillOurs();
  await ensureDisk({ path: at, format: 'raw', size });
}
