import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** An executable that stands in for virt-v2v-in-place where a test is about services and not about guests. */
export const stubVirtV2v = join(import.meta.dirname, '..', '..', 'virt-v2v', 'stub-virt-v2v-in-place.sh');

/** What the environment of the stub may say. */
export interface StubVirtV2vEnvironment {
  readonly V2V_STUB_OUTCOME?: 'ok' | 'fail' | 'hang';
  /** A number, with fractions. */
  readonly V2V_STUB_SECONDS?: string;
}

/** Where and what the stub writes into the n-th disk (from 0) of a VM. Disks must be larger than offset + length. */
export function stubMarker(disk: number): { readonly offset: number; readonly bytes: Buffer } {
  return { offset: 1024 * 1024, bytes: Buffer.alloc(64 * 1024, 0xa0 + disk) };
}

/** Does to a raw file what the stub does to the n-th disk, so that a test knows what must come out. */
export async function applyStubMarker(rawFile: string, disk: number): Promise<void> {
  const { offset, bytes } = stubMarker(disk);
  const file = await open(rawFile, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
}
