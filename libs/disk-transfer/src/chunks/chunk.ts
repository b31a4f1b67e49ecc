import { createHash } from 'node:crypto';

/** Disks are hashed, checkpointed and verified in chunks of this size; the last one may be shorter. */
export const CHUNK_SIZE = 1024 * 1024;
export const HASH_LENGTH = 32;

export const chunkCount = (size: number): number => Math.ceil(size / CHUNK_SIZE);
export const chunkLength = (index: number, size: number): number =>
  Math.min(CHUNK_SIZE, size - index * CHUNK_SIZE);

const zeroHashes = new Map<number, Buffer>();

/** Hash of a chunk of zeros, which never need be read to be known. */
export function zeroHash(length: number): Buffer {
  const known = zeroHashes.get(length);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(Buffer.alloc(length)).digest();
  zeroHashes.set(length, hash);
  return hash;
}

/** SHA-256 in libuv's thread pool, so that hashing and I/O share the cores. */
export async function hashOf(data: Buffer<ArrayBuffer>): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', data));
}
