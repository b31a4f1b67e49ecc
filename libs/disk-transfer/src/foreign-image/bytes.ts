import { open } from 'node:fs/promises';
import { HEAD_LENGTH, type ImageBytes, TAIL_LENGTH } from './header.js';

/** A stretch of a file. */
export interface Stretch {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** The first and last bytes of an image that lies in one or several stretches. @throws what the file system says */
export async function imageBytes(parts: readonly Stretch[]): Promise<ImageBytes> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    head: await read(parts, 0, Math.min(HEAD_LENGTH, length)),
    tail: await read(parts, Math.max(0, length - TAIL_LENGTH), Math.min(TAIL_LENGTH, length)),
    length,
  };
}

async function read(parts: readonly Stretch[], at: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let before = 0;
  for (const part of parts) {
    const from = Math.max(at - before, 0);
    const to = Math.min(at + length - before, part.length);
    if (from < to) pieces.push(await readStretch(part.file, part.offset + from, to - from));
    before += part.length;
    if (before >= at + length) break;
  }
  return Buffer.concat(pieces);
}

/** Shorter where the file is. */
async function readStretch(path: string, at: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const into = Buffer.alloc(length);
    for (let done = 0; ;) {
      const { bytesRead } = await file.read(into, done, length - done, at + done);
      done += bytesRead;
      if (bytesRead === 0 || done === length) return into.subarray(0, done);
    }
  } finally {
    await file.close();
  }
}
