import { open, readFile } from 'node:fs/promises';
import { applyStubMarker } from '@ledgerlift/testing';

/** The byte that `journaling-virt-v2v.sh` counts up. */
const COUNTER = 1_179_648;

/** Does to a raw file what exactly one conversion does to the n-th disk of a VM. */
export async function applyConversion(raw: string, disk: number): Promise<void> {
  await applyStubMarker(raw, disk);
  const file = await open(raw, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, COUNTER);
    byte[0] = ((byte[0] ?? 0) + 1) % 256;
    await file.write(byte, 0, 1, COUNTER);
  } finally {
    await file.close();
  }
}

export interface ConversionLine {
  readonly time: string;
  readonly what: 'begun' | 'overlap';
  readonly disk: string;
}

/** The journal of the stand-in. */
export async function conversions(journal: string): Promise<readonly ConversionLine[]> {
  const text = await readFile(journal, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [time = '', what, , disk = ''] = line.split(' ');
      return { time, what: what === 'overlap' ? 'overlap' : 'begun', disk };
    });
}
