import { homedir, tmpdir } from 'node:os';
import { diskVariables } from '@ledgerlift/providers';
import { type Environment, readEnvironment } from '@ledgerlift/service';
import { z } from 'zod';

/** The converter's own environment variables. */
const ConverterEnvironment = z.object({
  LEDGERLIFT_V2V_COMMAND: z
    .string()
    .min(1)
    .default('virt-v2v-in-place')
    .describe('the name or the absolute path of virt-v2v-in-place'),
  LEDGERLIFT_V2V_INSPECTOR_COMMAND: z
    .string()
    .min(1)
    .default('virt-v2v-inspector')
    .describe('the name or the absolute path of virt-v2v-inspector'),
  LEDGERLIFT_GUESTFISH_COMMAND: z
    .string()
    .min(1)
    .default('guestfish')
    .describe("the name or the absolute path of guestfish, which reads and writes a guest's files"),
  LEDGERLIFT_V2V_INSPECTION_TIMEOUT_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(604_800)
    .default(3600)
    .describe('the most seconds for one inspection before the first copy: a whole number from 1 to 604800'),
  LEDGERLIFT_V2V_TIMEOUT_S: z.coerce
    .number()
    .int()
    .min(1)
    .max(604_800)
    .default(7200)
    .describe('the most seconds for one conversion: a whole number from 1 to 604800'),
  LEDGERLIFT_V2V_LOG_LIMIT: z.coerce
    .number()
    .int()
    .min(65_536)
    .default(16 * 2 ** 20)
    .describe('the most bytes that one attempt may write to a conversion log: a whole number from 65536'),
  LEDGERLIFT_V2V_TRACE: z
    .enum(['on', 'off'])
    .default('off')
    .describe('on or off: whether to log every libguestfs call'),
  LEDGERLIFT_SCRATCH_DIR: z
    .string()
    .startsWith('/')
    .optional()
    .describe('the absolute path of a folder for temporary files of running conversions; keep it short'),
});

export interface ConverterSettings {
  /** virt-v2v-in-place, as a name on the PATH or an absolute path. */
  readonly command: string;
  readonly timeoutMs: number;
  /** virt-v2v-inspector, as a name or path. */
  readonly inspector: { readonly command: string; readonly timeoutMs: number };
  /** guestfish, as a name or path. */
  readonly guestfish: string;
  /** The most bytes of one attempt in the log. */
  readonly logLimit: number;
  readonly trace: 'on' | 'off';
  /** virt-v2v creates sockets below it, and a socket's path has at most 107 bytes. */
  readonly scratch: string;
  /** Settings for reading disks, of all kinds of sources. */
  readonly reading: Readonly<Record<string, unknown>>;
  /** The environment of child processes. */
  readonly childEnv: Readonly<Record<string, string>>;
}

const PASSED = ['PATH', 'LD_LIBRARY_PATH', 'USER', 'LOGNAME'];
const PASSED_PREFIXES = ['LIBGUESTFS_', 'SUPERMIN_', 'VIRT_', 'VIRTIO_', 'QEMU_', 'V2V_'];

/** @throws BadSetting */
export function readConverterSettings(env: Environment = process.env): ConverterSettings {
  const read = readEnvironment(ConverterEnvironment, env);
  return {
    command: read.LEDGERLIFT_V2V_COMMAND,
    timeoutMs: read.LEDGERLIFT_V2V_TIMEOUT_S * 1000,
    inspector: {
      command: read.LEDGERLIFT_V2V_INSPECTOR_COMMAND,
      timeoutMs: read.LEDGERLIFT_V2V_INSPECTION_TIMEOUT_S * 1000,
    },
    guestfish: read.LEDGERLIFT_GUESTFISH_COMMAND,
    logLimit: read.LEDGERLIFT_V2V_LOG_LIMIT,
    trace: read.LEDGERLIFT_V2V_TRACE,
    scratch: read.LEDGERLIFT_SCRATCH_DIR ?? tmpdir(),
    reading: readEnvironment(z.object(diskVariables()), env),
    childEnv: childEnvironment(env),
  };
}

/**
 * Passes only the variables of virt-v2v, libguestfs and QEMU. A process that handles a guest's content must not get
 * ours, such as the path of the NATS credentials.
 */
export function childEnvironment(env: Environment): Readonly<Record<string, string>> {
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined &&
    (PASSED.includes(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix)))
      ? [[name, value] as const]
      : [],
  );
  return {
    LIBGUESTFS_BACKEND: 'direct',
    HOME: env['HOME'] ?? homedir(),
    ...Object.fromEntries(passed),
    // We parse the messages, so they must not be translated.
    LC_ALL: 'C.UTF-8',
  };
}
