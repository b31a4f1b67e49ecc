import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BadOva, unreadable } from './errors.js';
import type { Located } from './package.js';

/** The bytes of a disk image, wherever they lie. */
export interface ImageBytes {
  /** Undefined where it is not known before everything is inflated. */
  readonly length: number | undefined;
  /** @returns fewer bytes than asked for at the end, or beyond what was inflated */
  read(offset: number, length: number): Promise<Buffer>;
}

/** What of a compressed image is looked at before it is unpacked. */
const INFLATED = 128 * 1024;

/** An image that lies in one or several stretches of files, read as one. */
export function bytesOfParts(parts: readonly Located[]): ImageBytes {
  return {
    length: parts.reduce((sum, { length }) => sum + length, 0),
    read: async (offset, length) => {
      const found: Buffer[] = [];
      let skip = offset;
      let left = length;
      for (const part of parts) {
        if (skip >= part.length) {
          skip -= part.length;
          continue;
        }
        const bytes = await readStretch(
          part.file,
          part.offset + skip,
          Math.min(left, Math.max(0, part.length - skip)),
        );
        found.push(bytes);
        skip = 0;
        left -= bytes.length;
        if (left <= 0) break;
      }
      return Buffer.concat(found);
    },
  };
}

/** An image that has been unpacked into a file of its own. */
export async function bytesOfFile(file: string): Promise<ImageBytes> {
  const { size } = await stat(file);
  return bytesOfParts([{ file, offset: 0, length: size }]);
}

/** The beginning of an image under gzip; nothing of the rest is inflated. @throws BadOva when it is no gzip */
export async function inflatedHead(parts: readonly Located[], field: string): Promise<ImageBytes> {
  const [first] = parts;
  const inflate = createGunzip();
  // Errors of either stream come out of the loop below.
  const source = Readable.from(compressedHead(parts));
  source.once('error', (error) => inflate.destroy(error));
  const found: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of source.pipe(inflate)) {
      found.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length >= INFLATED) break;
    }
  } catch (error) {
    if (error instanceof BadOva) throw error;
    throw new BadOva('badDisk', `${first?.file ?? ''} is not compressed by gzip, as the OVF says`, field);
  } finally {
    source.destroy();
    inflate.destroy();
  }
  const head = Buffer.concat(found);
  return {
    length: undefined,
    read: (offset, wanted) => Promise.resolve(head.subarray(offset, offset + wanted)),
  };
}

async function* compressedHead(parts: readonly Located[]): AsyncIterable<Buffer> {
  const bytes = bytesOfParts(parts);
  for (let offset = 0; ; offset += INFLATED) {
    const chunk = await bytes.read(offset, INFLATED);
    if (chunk.length === 0) return;
    yield chunk;
  }
}

async function readStretch(file: string, offset: number, length: number): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } catch (error) {
    throw unreadable(file, error);
  } finally {
    await handle?.close();
  }
}
