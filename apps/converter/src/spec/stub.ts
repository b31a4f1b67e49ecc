import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedAttempt } from '@ledgerlift/testing';
import { type ConverterSettings, readConverterSettings } from '../config.js';

/** Settings for the stub of virt-v2v, which works in a folder of the spec. */
export const stubSettings = (folder: string, env: Record<string, string> = {}): ConverterSettings =>
  readConverterSettings({
    ...process.env,
    LEDGERLIFT_V2V_COMMAND: join(import.meta.dirname, 'stub-virt-v2v.sh'),
    LEDGERLIFT_V2V_INSPECTOR_COMMAND: join(import.meta.dirname, 'stub-virt-v2v.sh'),
    // There is no guest in the disks: it does nothing, and so finds nothing.
    LEDGERLIFT_GUESTFISH_COMMAND: 'true',
    LEDGERLIFT_SCRATCH_DIR: folder,
    LEDGERLIFT_NATS_CREDS: '/secret',
    ...env,
  });

/** The stub, told to hang, is under way. */
export async function hangs({ told }: RecordedAttempt): Promise<void> {
  while (!told.some(({ message }) => message === 'Opening the source')) await delay(20);
}

/** Processes whose temporary folder lies in a folder of the spec: all that a conversion starts. */
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
