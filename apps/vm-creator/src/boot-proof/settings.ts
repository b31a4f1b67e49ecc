import { type Environment, readEnvironment } from '@ledgerlift/service';
import { z } from 'zod';

const BootEnvironment = z.object({
  LEDGERLIFT_BOOT_TIMEOUT_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(7200)
    .default(300)
    .describe('the most seconds for a guest to boot, from 1 to 7200'),
  LEDGERLIFT_BOOT_MARKER: z
    .string()
    .refine(isRegExp)
    .optional()
    .describe('a regular expression for a console line that means that the guest has booted'),
  LEDGERLIFT_BOOT_ACCEL: z.enum(['auto', 'kvm', 'tcg']).default('auto').describe('one of auto, kvm, tcg'),
  LEDGERLIFT_BOOT_MEMORY_MIB: z.coerce
    .number()
    .int()
    .min(64)
    .default(2048)
    .describe('the most memory of a boot proof in MiB, at least 64'),
  LEDGERLIFT_OVMF_DIR: z
    .string()
    .startsWith('/')
    .optional()
    .describe('the absolute path of the folder with OVMF_CODE_4M.fd and OVMF_VARS_4M.fd'),
});

export interface BootSettings {
  readonly timeoutMs: number;
  /** A further pattern that means that the guest has booted. */
  readonly marker: RegExp | undefined;
  readonly accelerator: 'auto' | 'kvm' | 'tcg';
  readonly memoryLimitMiB: number;
  readonly ovmfDir: string | undefined;
}

/** @throws BadSetting */
export function readBootSettings(env?: Environment): BootSettings {
  const read = readEnvironment(BootEnvironment, env);
  const { LEDGERLIFT_BOOT_MARKER: marker } = read;
  return {
    timeoutMs: read.LEDGERLIFT_BOOT_TIMEOUT_S * 1000,
    marker: marker === undefined ? undefined : new RegExp(marker, 'm'),
    accelerator: read.LEDGERLIFT_BOOT_ACCEL,
    memoryLimitMiB: read.LEDGERLIFT_BOOT_MEMORY_MIB,
    ovmfDir: read.LEDGERLIFT_OVMF_DIR,
  };
}

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'm') instanceof RegExp;
  } catch {
    return false;
  }
}
