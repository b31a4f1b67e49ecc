import { availableParallelism } from 'node:os';
import { type Environment, readEnvironment } from '@ledgerlift/service';
import { z } from 'zod';

const whole = (minimum: number) => z.coerce.number().int().min(minimum);

const TransferEnvironment = z.object({
  LEDGERLIFT_CHECKPOINT_MS: whole(1)
    .default(15_000)
    .describe('how many milliseconds may lie between two checkpoints of a disk: a whole number from 1'),
  LEDGERLIFT_CHECKPOINT_BYTES: whole(1)
    .default(4 * 2 ** 30)
    .describe('how many bytes may be copied between two checkpoints of a disk: a whole number from 1'),
  LEDGERLIFT_DISKS_AT_ONCE: whole(1)
    .default(4)
    .describe('how many disks of one VM are copied at once: a whole number from 1'),
});

export interface TransferSettings {
  readonly checkpointEvery: { readonly bytes: number; readonly ms: number };
  readonly disksAtOnce: number;
  /** Servers that inflate one compressed disk, each on a core of its own. */
  readonly inflaters: number;
}

/** @throws BadSetting */
export function readTransferSettings(env: Environment = process.env): TransferSettings {
  const read = readEnvironment(TransferEnvironment, env);
  return {
    checkpointEvery: { bytes: read.LEDGERLIFT_CHECKPOINT_BYTES, ms: read.LEDGERLIFT_CHECKPOINT_MS },
    disksAtOnce: read.LEDGERLIFT_DISKS_AT_ONCE,
    inflaters: Math.min(4, availableParallelism()),
  };
}
