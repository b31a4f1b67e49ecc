import { open } from 'node:fs/promises';
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
const CORRUPT = 2n;
const EXTERNAL_DATA = 4n;

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
      return qcow2(buffer);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(path, `it cannot be read (${errorCode(error)})`, error);
  }
}

function qcow2(header: Buffer): ImageHeader {
  const version = header.readUInt32BE(4);
  const size = Number(header.readBigUInt64BE(24));
  const features = version < 3 ? 0n : header.readBigUInt64BE(72);
  const refusal =
    version !== 2 && version !== 3
      ? `it is a qcow2 of the unknown version ${version}`
      : header.readBigUInt64BE(8) !== 0n
        ? 'it is a qcow2 over another file; flatten it with `qemu-img convert`'
        : (features & EXTERNAL_DATA) !== 0n
          ? 'it is a qcow2 whose data lies in another file; put it into one with `qemu-img convert`'
          : (features & CORRUPT) !== 0n
            ? 'it is a qcow2 that is marked as damaged; look at it with `qemu-img check`'
            : header.readUInt32BE(32) !== 0
              ? 'it is an encrypted qcow2'
              : undefined;
  return { format: 'qcow2', size, refusal };
}
