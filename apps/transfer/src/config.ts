import { availableParallelism } from 'node:os';
import { diskVariables } from '@ledgerlift/providers';
import { type Environment, readEnvironment } from '@ledgerlift/service';
import { z } from 'zod';

const whole = (minimum: number) => z.coerce.number().int().min(minimum);
const folder = z.string().startsWith('/').optional();

const TransferEnvironment = z.object({
  LEDGERLIFT_CHECKPOINT_MS: whole(1)
    .default(15_000)
    .describe('the most milliseconds between two checkpoints of a disk: a whole number from 1'),
  LEDGERLIFT_CHECKPOINT_BYTES: whole(1)
    .default(4 * 2 ** 30)
    .describe('the most bytes copied between two checkpoints of a disk: a whole number from 1'),
  LEDGERLIFT_DISKS_AT_ONCE: whole(1)
    .default(4)
    .describe('the number of disks of one VM that are copied at once: a whole number from 1'),
  LEDGERLIFT_HOOKS_DIR: folder.describe('the absolute path of the folder with the commands that hooks run'),
  LEDGERLIFT_SECRETS_DIR: folder.describe(
    'the absolute path of a folder with one subfolder for each secret, as Kubernetes mounts them',
  ),
});

export interface HookSettings {
  /** The only folder for hook commands. Undefined: this worker runs no commands. */
  readonly hooksFolder: string | undefined;
  /** The secret `name` has its token in `{folder}/{name}/token`. */
  readonly secretsFolder: string | undefined;
  /** The part of the worker's environment that commands get. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface TransferSettings {
  readonly checkpointEvery: { readonly bytes: number; readonly ms: number };
  readonly disksAtOnce: number;
  /** Number of servers that inflate one compressed disk, each on its own core. */
  readonly inflaters: number;
  readonly hooks: HookSettings;
  /** Settings for reading disks, of all kinds of sources. */
  readonly reading: Readonly<Record<string, unknown>>;
}

/** @throws BadSetting */
export function readTransferSettings(env: Environment = process.env): TransferSettings {
  const read = readEnvironment(TransferEnvironment, env);
  return {
    checkpointEvery: { bytes: read.LEDGERLIFT_CHECKPOINT_BYTES, ms: read.LEDGERLIFT_CHECKPOINT_MS },
    disksAtOnce: read.LEDGERLIFT_DISKS_AT_ONCE,
    reading: readEnvironment(z.object(diskVariables()), env),
    inflaters: Math.min(4, availableParallelism()),
    hooks: {
      hooksFolder: read.LEDGERLIFT_HOOKS_DIR,
      secretsFolder: read.LEDGERLIFT_SECRETS_DIR,
      environment: forCommands(env),
    },
  };
}

/** Variables that contain credentials or lead to them. Commands do not get these. */
const WITHHELD = /NATS|SECRET|CREDS|TOKEN|PASSWORD|_URL$|_KEY$/;

const forCommands = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && (name === 'PATH' || (/^LEDGERLIFT_/.test(name) && !WITHHELD.test(name)))
        ? [[name, value]]
        : [],
    ),
  );
