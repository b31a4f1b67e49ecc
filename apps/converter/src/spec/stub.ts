import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedAttempt } from '@ledgerlift/testing';
import { type ConverterSettings, readConverterSettings } from '../config.js';

/** Settings for the virt-v2v stub, in the spec's folder. */
export const stubSettings = (folder: string, env: Record<string, string> = {}): ConverterSettings =>
  readConverterSettings({
    ...process.env,
    LEDGERLIFT_V2V_COMMAND: join(import.meta.dirname, 'stub-virt-v2v.sh'),
    LEDGERLIFT_V2V_INSPECTOR_COMMAND: join(import.meta.dirname, 'stub-virt-v2v.sh'),
    // The disks have no guest, so it does nothing and finds nothing.
    LEDGERLIFT_GUESTFISH_COMMAND: 'true',
    LEDGERLIFT_SCRATCH_DIR: folder,
    LEDGERLIFT_NATS_CREDS: '/secret',
    ...env,
  });

/** Waits until the hanging stub runs. */
export async function hangs({ told }: RecordedAttempt): Promise<void> {
  while (!told.some(({ message }) => message === 'Opening the source')) await delay(20);
}

/** Processes with a temporary folder in the spec's folder: all processes of a conversion. */
export function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`\0TMPDIR=${folder}/`);
    } catch {
      return false;
    }
  });
}
