import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Attempt } from '@ledgerlift/worker';
import type { TargetVm, WorkLog } from '@ledgerlift/targets';
import { DiskChanged } from '../errors.js';
import { type BootResult, watchBoot } from './boot.js';
import { bootEnvironment, bootHostFor, endBoots } from './host.js';
import { type BootHost, qemuArguments } from './machine.js';
import type { BootSettings } from './settings.js';

export interface Proof {
  readonly vm: TargetVm;
  /** Absolute paths of the disks to boot, in the VM's order. */
  readonly disks: readonly string[];
  /** Absolute paths of further files that must not change. */
  readonly bases?: readonly string[];
  /** The claimed log. */
  readonly log: WorkLog;
  /** The first line of the log. */
  readonly title: string;
}

export interface Proven extends BootResult {
  /** A description of the machine. */
  readonly machine: string;
}

/**
 * Boots a VM once on its devices, without touching its disks, and saves the console's output. Each attempt starts over.
 * Our QEMU has ended when this returns or throws.
 *
 * @throws DiskChanged, QemuMissing, QemuFailed, FirmwareMissing, BootStillRuns, the signal's reason
 */
export async function proveBoot(attempt: Attempt, settings: BootSettings, proof: Proof): Promise<Proven> {
  const { job, signal } = attempt;
  const { vm, disks, bases = [], title } = proof;
  await endBoots(job.record);
  const host = await bootHostFor(vm, settings, signal);
  const watched = [...disks, ...bases];
  const before = await fingerprints(watched);
  const log = await openLog(await proof.log.path());
  const total = settings.timeoutMs / 1000;
  try {
    const machine = summaryOf(vm, host);
    await log.write(`# Ledgerlift ${title}: ${machine}\n`);
    const result = await watchBoot({
      arguments: qemuArguments(vm, disks, host),
      env: bootEnvironment(job.record),
      timeoutMs: settings.timeoutMs,
      marker: settings.marker,
      log,
      signal,
      onProgress: (seconds, lastLine) =>
        attempt.progress([{ name: 'boot', done: Math.min(seconds, total), total, unit: 'steps' }], lastLine),
    });
    await log.sync();
    const after = await fingerprints(watched);
    const changed = watched.find((_, index) => before[index] !== after[index]);
    if (changed !== undefined) throw new DiskChanged(changed);
    return { ...result, machine };
  } finally {
    await log.close();
  }
}

/** The recorded evidence of a boot's result. */
export const evidenceOf = ({ why, seconds, machine, lastLines }: Proven): string =>
  `${why} after ${seconds} s on ${machine}\n${lastLines.join('\n')}`;

function summaryOf(vm: TargetVm, host: BootHost): string {
  const buses = [...new Set(vm.disks.map((disk) => disk.bus))].join(' and ');
  const models = [...new Set(vm.nics.map((nic) => nic.model))].join(' and ');
  return [
    vm.secureBoot ? 'efi with secure boot' : vm.firmware,
    counted(host.cpus, 'CPU'),
    `${host.memoryMiB} MiB`,
    counted(vm.disks.length, `${buses} disk`),
    vm.nics.length === 0 ? 'no NIC' : counted(vm.nics.length, `${models} NIC`),
    host.accelerator,
    ...(vm.tpm ? ['without its TPM'] : []),
  ].join(', ');
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Reading leaves a fingerprint unchanged; any write changes it. */
async function fingerprints(paths: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(paths.map((path) => stat(path, { bigint: true })));
  return stats.map(({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(':'));
}

async function openLog(path: string): Promise<FileHandle> {
  const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
  return open(path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o644);
}
