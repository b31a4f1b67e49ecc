import { open } from 'node:fs/promises';
import { qcow2Header } from '@ledgerlift/disk-transfer';
import { TargetUnusable } from '../errors.js';
import { errorCode } from './safe-path.js';

/** What an image file says of itself in its first bytes. */
export interface ImageHeader {
  readonly format: 'raw' | 'qcow2';
  /** Bytes, as the guest sees them. */
  readonly size: number;
  /** Why it is not used as it is; undefined: nothing speaks against it. */
  readonly refusal: string | undefined;
}

/** qemu's docs/interop/qcow2.txt: a header of version 2 has 72 bytes, of version 3 at least 104. */
const HEADER = 104;
const MAGIC = 0x51_46_49_fb;

/**
 * Looks at a file that somebody else made: qcow2 by its magic, else raw. No tool opens it for this, as what a strange
 * header names would be opened with it: a qcow2 that leads to another file is refused.
 *
 * @throws TargetUnusable where it cannot be read
 */
export async function imageHeader(path: string): Promise<ImageHeader> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER), 0, HEADER, 0);
      if (bytesRead < 4 || buffer.readUInt32BE(0) !== MAGIC)
        return { format: 'raw', size, refusal: undefined };
      const { size: capacity, refusal } = qcow2Header(buffer.subarray(0, bytesRead));
      return {
        format: 'qcow2',
        size: capacity,
        refusal: refusal === undefined ? undefined : `it ${refusal.why}`,
      };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(path, `it cannot be read (${errorCode(error)})`, error);
  }
}
