import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { StepHandler } from '@ledgerlift/messaging';
import { diskPathsOf, layoutOf, openSubfolderOf, type TargetVm } from '@ledgerlift/targets';
import { watchBoot } from '../boot-proof/boot.js';
import { bootHostFor } from '../boot-proof/host.js';
import { type BootHost, qemuArguments } from '../boot-proof/machine.js';
import type { BootSettings } from '../boot-proof/settings.js';
import { DiskChanged, GuestDidNotBoot } from '../errors.js';
import { targetVmOf } from './findings.js';

/**
 * Starts the result once, on the devices that it was given, without touching its disks, and keeps what the console
 * showed. A guest that does not come up fails the step. Nothing is left of an attempt that was killed but its log,
 * so each attempt begins anew.
 */
export function bootProof(settings: BootSettings): StepHandler {
  return async (attempt) => {
    const { job, signal } = attempt;
    const { record } = job;
    const vm = targetVmOf(job);
    const disks = await diskPathsOf(record);
    const logName = layoutOf(record).logs.bootProof;
    const host = await bootHostFor(vm, settings, signal);
    const before = await fingerprints(disks);
    const log = await openLog(await openSubfolderOf(record, logName));
    const total = settings.timeoutMs / 1000;
    try {
      const summary = summaryOf(vm, host);
      await log.write(`# Ledgerlift boot proof: ${summary}\n`);
      const result = await watchBoot({
        arguments: qemuArguments(vm, disks, host),
        timeoutMs: settings.timeoutMs,
        marker: settings.marker,
        log,
        signal,
        onProgress: (seconds, lastLine) =>
          attempt.progress(
            [{ name: 'boot', done: Math.min(seconds, total), total, unit: 'steps' }],
            lastLine,
          ),
      });
      await log.sync();
      const after = await fingerprints(disks);
      const changed = disks.find((_, index) => before[index] !== after[index]);
      if (changed !== undefined) throw new DiskChanged(changed);
      if (!result.booted) throw new GuestDidNotBoot(result.why, logName, result.lastLines);
      const evidence = `${result.why} after ${result.seconds} s on ${summary}\n${result.lastLines.join('\n')}`;
      return { step: 'BootProof', booted: true, seconds: result.seconds, evidence, log: logName };
    } finally {
      await log.close();
    }
  };
}

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

/** Reading changes neither; whoever writes changes one of them. */
async function fingerprints(paths: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(paths.map((path) => stat(path, { bigint: true })));
  return stats.map(({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(':'));
}

async function openLog(path: string): Promise<FileHandle> {
  const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
  return open(path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o644);
}
