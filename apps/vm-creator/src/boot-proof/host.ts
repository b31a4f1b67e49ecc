import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import type { TargetVm } from '@ledgerlift/targets';
import { FirmwareMissing, QemuMissing } from '../errors.js';
import type { BootHost } from './machine.js';
import type { BootSettings } from './settings.js';

/** Where distributions put OVMF. */
const OVMF_DIRS = ['/usr/share/OVMF', '/usr/share/edk2/ovmf', '/usr/share/edk2/x64'];
const MiB = 2 ** 20;
const PROBE_MS = 20_000;

/**
 * What this machine gives to a boot proof of the VM. Memory and CPUs are the VM's, but no more than this machine
 * can spare: that the guest boots is to be shown, not how fast.
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
 * KVM where it can run what guests are built for today. A nested or emulated /dev/kvm may open, pass the BIOS and
 * then hang in the guest's kernel, so QEMU is asked to enforce a CPU that every such guest relies on (x86-64-v2).
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
