import type { ImageRefusal } from './header.js';

export interface Qcow2Header {
  /** Size in bytes as the guest sees it. */
  readonly size: number;
  readonly refusal: ImageRefusal | undefined;
}

/** QEMU's docs/interop/qcow2.txt: a header of version 2 has 72 bytes, of version 3 at least 104. */
const SHORTEST = 72;
const SHORTEST_3 = 104;
/** Incompatible feature bits: a reader must refuse an image with an unknown one. */
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA = 1n << 2n;
/** Dirty, corrupt, external data, compression type, extended L2 entries. */
const KNOWN = 0b11111n;

/** Reads the header of an image that begins with qcow2's magic number. */
export function qcow2Header(head: Buffer): Qcow2Header {
  if (head.length < SHORTEST) return refused(0, 'damaged', 'is a qcow2 that ends within its header');
  const version = head.readUInt32BE(4);
  const size = Number(head.readBigUInt64BE(24));
  if (version !== 2 && version !== 3)
    return refused(size, 'unknown-feature', `is a qcow2 of the unknown version ${version}`);
  if (version === 3 && head.length < SHORTEST_3)
    return refused(size, 'damaged', 'is a qcow2 that ends within its header');
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0)
    return refused(size, 'backing-file', 'is a qcow2 over another file; flatten it with `qemu-img convert`');
  const features = version === 2 ? 0n : head.readBigUInt64BE(72);
  if ((features & EXTERNAL_DATA) !== 0n)
    return refused(
      size,
      'external-data',
      'is a qcow2 whose data is in another file; merge them with `qemu-img convert`',
    );
  if ((features & ~KNOWN) !== 0n)
    return refused(
      size,
      'unknown-feature',
      `is a qcow2 with unknown incompatible features (0x${(features & ~KNOWN).toString(16)}); rewrite it with \`qemu-img convert\``,
    );
  if ((features & CORRUPT) !== 0n)
    return refused(size, 'damaged', 'is a qcow2 that is marked as damaged; check it with `qemu-img check`');
  if (head.readUInt32BE(32) !== 0)
    return refused(size, 'encrypted', 'is an encrypted qcow2; decrypt it with `qemu-img convert`');
  return { size, refusal: undefined };
}

const refused = (size: number, cause: ImageRefusal['cause'], why: string): Qcow2Header => ({
  size,
  refusal: { cause, why },
});
