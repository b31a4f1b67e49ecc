import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { BadOva } from './errors.js';
import type { Located } from './package.js';

/** Bytes that a format may need in addition to the data of a full disk: tables, headers, partly used clusters. */
const OVERHEAD_BYTES = 16 * 1024 * 1024;
const OVERHEAD_SHARE = 16;

/** Returns the maximum size in bytes of a disk's unpacked image. */
const largestImage = (capacityBytes: number): number =>
  capacityBytes + Math.ceil(capacityBytes / OVERHEAD_SHARE) + OVERHEAD_BYTES;

export interface Packed {
  readonly parts: readonly Located[];
  readonly compression: 'none' | 'gzip';
  /** Capacity of the disk, which limits the size of its image. */
  readonly capacityBytes: number;
}

/**
 * Joins the parts of a file and decompresses them if needed, for files without random access.
 *
 * @throws BadOva as soon as the output exceeds the possible size of an image of this capacity
 */
export async function unpack(
  { parts, compression, capacityBytes }: Packed,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(bytesOf(parts));
  const limit = largestImage(capacityBytes);
  const target = createWriteStream(path, { mode: 0o600 });
  if (compression === 'gzip') await pipeline(source, createGunzip(), atMost(limit, path), target, { signal });
  else await pipeline(source, atMost(limit, path), target, { signal });
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

/** Creates an empty disk as a sparse file. */
export async function makeBlank(path: string, capacityBytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(capacityBytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Passes bytes through up to the limit, then fails, so that excess bytes are never written. */
function atMost(limit: number, path: string): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed <= limit) done(null, chunk);
      else
        done(
          new BadOva(
            'overBudget',
            `the disk image for ${path} unpacks to more than ${limit} bytes, which no image of its capacity needs; export the VM again`,
          ),
        );
    },
  });
}

async function* bytesOf(parts: readonly Located[]): AsyncIterable<Buffer> {
  for (const { file, offset, length } of parts) {
    if (length === 0) continue;
    yield* createReadStream(file, {
      start: offset,
      end: offset + length - 1,
      highWaterMark: 1024 * 1024,
    }) as AsyncIterable<Buffer>;
  }
}
