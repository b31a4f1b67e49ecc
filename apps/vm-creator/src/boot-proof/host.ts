import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { endMarked, runTool, ToolRunFailed } from '@ledgerlift/processes';
import type { TargetVm } from '@ledgerlift/targets';
import { BootStillRuns, FirmwareMissing, QemuMissing } from '../errors.js';
import type { BootHost } from './machine.js';
import type { BootSettings } from './settings.js';

/** Folders where distributions install OVMF. */
const OVMF_DIRS = ['/usr/share/OVMF', '/usr/share/edk2/ovmf', '/usr/share/edk2/x64'];
const MiB = 2 ** 20;
const PROBE_MS = 20_000;

/**
 * This machine's resources for a boot proof. Memory and CPUs are the VM's, limited by what this machine can spare,
 * because the proof is about booting, not speed.
 * @throws QemuMissing, FirmwareMissing
 */
export async function bootHostFor(
  vm: TargetVm,
  settings: BootSettings,
  signal: AbortSignal,
): Promise<BootHost> {
  const { sockets, cores, threads } = vm.cpu;
  const accelerator =
    settings.accelerator === 'auto' ? await usableAccelerator(signal) : settings.accelerator;
  return {
    accelerator,
    cpus: Math.min(sockets * cores * threads, availableParallelism()),
    memoryMiB: Math.min(Math.max(64, Math.ceil(vm.memoryBytes / MiB)), settings.memoryLimitMiB),
    ...(vm.firmware === 'efi' ? { firmware: await findFirmware(vm, settings.ovmfDir) } : {}),
  };
}

/**
 * KVM if it can run today's guests. A nested or emulated /dev/kvm may open, pass the BIOS and then hang in the guest's
 * kernel, so this probes whether QEMU can enforce the CPU level that such guests need (x86-64-v2).
 */
async function usableAccelerator(signal: AbortSignal): Promise<'kvm' | 'tcg'> {
  try {
    await access('/dev/kvm');
  } catch {
    return 'tcg';
  }
  const probe = ['-nodefaults', '-display', 'none', '-m', '64', '-S', '-monitor', 'stdio'];
  const args = [...probe, '-machine', 'q35', '-accel', 'kvm', '-cpu', 'Nehalem,enforce'];
  try {
    await runTool('qemu-system-x86_64', args, { timeoutMs: PROBE_MS, signal, input: 'quit\n' });
    return 'kvm';
  } catch (error) {
    if (!(error instanceof ToolRunFailed)) throw error;
    if (error.why === 'not-installed') throw new QemuMissing('qemu-system-x86_64');
    return 'tcg';
  }
}

async function findFirmware(
  vm: TargetVm,
  ovmfDir: string | undefined,
): Promise<{ readonly code: string; readonly vars: string }> {
  const [code, vars] = vm.secureBoot
    ? (['OVMF_CODE_4M.ms.fd', 'OVMF_VARS_4M.ms.fd'] as const)
    : (['OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'] as const);
  const dirs = ovmfDir === undefined ? OVMF_DIRS : [ovmfDir];
  for (const dir of dirs) {
    const found = { code: join(dir, code), vars: join(dir, vars) };
    try {
      await Promise.all([access(found.code), access(found.vars)]);
      return found;
    } catch {
      continue;
    }
  }
  throw new FirmwareMissing(`${code} and ${vars}`, dirs);
}

/** Marks each QEMU that we start with its VM, so that later attempts can find it. */
const OWNER_VARIABLE = 'LEDGERLIFT_BOOT_OF';
/** Time for killed processes to end. */
const PATIENCE_MS = 10_000;

type Owner = Pick<VmRecord, 'installation' | 'migrationId' | 'index'>;

const ownerOf = ({ installation, migrationId, index }: Owner): string =>
  [installation, migrationId, index].map(encodeURIComponent).join('/');

/** The environment for QEMU: none of our variables, such as paths of credentials, but the mark of its VM. */
export function bootEnvironment(record: Owner, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const passed = Object.entries(env).filter(([name]) => !name.startsWith('LEDGERLIFT_'));
  return { ...Object.fromEntries(passed), [OWNER_VARIABLE]: ownerOf(record) };
}

/**
 * Ends every QEMU that any worker started on this machine for the VM, and confirms that it is gone.
 * @returns the number of processes found
 * @throws BootStillRuns
 */
export async function endBoots(record: Owner): Promise<number> {
  const mark = { variable: OWNER_VARIABLE, value: ownerOf(record) };
  const { found, left } = await endMarked(mark, { graceMs: 0, patienceMs: PATIENCE_MS });
  if (left.length > 0) throw new BootStillRuns(left.map(({ pid }) => pid));
  return found.length;
}
