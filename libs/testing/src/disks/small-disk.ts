import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { seededBytes, seededChoice } from './random-bytes.js';

const MIB = 1024 * 1024;

export interface SmallDisk {
  /** In bytes. 8 MiB by default. */
  readonly size?: number;
  /** What its bytes are made from: the same seed makes the same disk. */
  readonly seed?: number;
  /** Share of its pieces that hold data, from 0 to 1. One half by default; the others are holes. */
  readonly filled?: number;
  /** Size of a piece. 64 KiB by default. */
  readonly piece?: number;
  /** Share of the empty pieces that are written as zeros instead of left as holes. None by default. */
  readonly zeros?: number;
}

/**
 * Makes a sparse raw disk: pieces of random-looking data among holes, its first and last pieces data when any is.
 *
 * @returns the SHA-256 of all its bytes, in hex
 */
export async function makeSmallDisk(path: string, options: SmallDisk = {}): Promise<string> {
  const { size = 8 * MIB, seed = 1, filled = 0.5, piece = 64 * 1024, zeros = 0 } = options;
  const bytes = seededBytes(seed);
  const choose = seededChoice(seed + 1);
  const chance = (share: number) => choose(1_000_000) < share * 1_000_000;
  const file = await open(path, 'w');
  try {
    await file.truncate(size);
    for (let at = 0; at < size; at += piece) {
      const length = Math.min(piece, size - at);
      const edge = filled > 0 && (at === 0 || at + piece >= size);
      if (edge || chance(filled)) await file.write(bytes(length), 0, length, at);
      else if (chance(zeros)) await file.write(Buffer.alloc(length), 0, length, at);
    }
  } finally {
    await file.close();
  }
  return sha256OfFile(path);
}

/** SHA-256 of a file's bytes, in hex; holes count as the zeros that they read as. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
