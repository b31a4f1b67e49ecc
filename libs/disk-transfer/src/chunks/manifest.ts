import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ByteRange } from './ranges.js';
import { CHUNK_SIZE, HASH_LENGTH, chunkCount, chunkLength } from './chunk.js';

const MAGIC = Buffer.from('LLCHUNK1');
const HEADER_LENGTH = MAGIC.length + 8;
const ENTRY_LENGTH = 1 + HASH_LENGTH;
const ABSENT = Buffer.alloc(ENTRY_LENGTH);

/** Which chunks of a disk are done, and their hashes. In a file: a header with the size, then 33 bytes a chunk. */
export class ChunkManifest {
  readonly #entries: Buffer;

  constructor(
    readonly size: number,
    entries?: Buffer,
  ) {
    this.#entries = entries ?? Buffer.alloc(chunkCount(size) * ENTRY_LENGTH);
  }

  get count(): number {
    return chunkCount(this.size);
  }

  has(index: number): boolean {
    return this.#entries[index * ENTRY_LENGTH] === 1;
  }

  hash(index: number): Buffer {
    return this.#entries.subarray(index * ENTRY_LENGTH + 1, (index + 1) * ENTRY_LENGTH);
  }

  set(index: number, hash: Buffer): void {
    this.#entries[index * ENTRY_LENGTH] = 1;
    hash.copy(this.#entries, index * ENTRY_LENGTH + 1);
  }

  forget(index: number): void {
    ABSENT.copy(this.#entries, index * ENTRY_LENGTH);
  }

  /** A copy that further progress does not change. */
  snapshot(): ChunkManifest {
    return new ChunkManifest(this.size, Buffer.from(this.#entries));
  }

  bytesDone(): number {
    return this.ranges().reduce((sum, { length }) => sum + length, 0);
  }

  ranges(): readonly ByteRange[] {
    const ranges: { offset: number; length: number }[] = [];
    for (let index = 0; index < this.count; index += 1) {
      if (!this.has(index)) continue;
      const offset = index * CHUNK_SIZE;
      const last = ranges.at(-1);
      const length = chunkLength(index, this.size);
      if (last !== undefined && last.offset + last.length === offset) last.length += length;
      else ranges.push({ offset, length });
    }
    return ranges;
  }

  /**
   * The digest of the disk: SHA-256 over the size and all chunk hashes in order. One value, whichever way the disk
   * came (ADR 3). @returns hex; undefined while chunks are missing
   */
  diskDigest(): string | undefined {
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(this.size));
    const digest = createHash('sha256').update('ledgerlift-disk-1').update(size);
    for (let index = 0; index < this.count; index += 1) {
      if (!this.has(index)) return undefined;
      digest.update(this.hash(index));
    }
    return digest.digest('hex');
  }

  /**
   * Writes the file anew beside the old one, and puts it in its place once it is durable.
   *
   * @returns the digest of the file, by which a checkpoint names exactly this content
   */
  async save(path: string): Promise<string> {
    const header = Buffer.alloc(HEADER_LENGTH);
    MAGIC.copy(header);
    header.writeBigUInt64BE(BigInt(this.size), MAGIC.length);
    const temporary = `${path}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writev([header, this.#entries]);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
    return digestOf(header, this.#entries);
  }

  /** @returns the manifest whose file has this digest; undefined when the file is missing, changed or of another size */
  static async load(path: string, size: number, digest: string): Promise<ChunkManifest | undefined> {
    const content = await readFile(path).catch(() => undefined);
    if (content === undefined || content.length !== HEADER_LENGTH + chunkCount(size) * ENTRY_LENGTH)
      return undefined;
    const header = content.subarray(0, HEADER_LENGTH);
    const entries = content.subarray(HEADER_LENGTH);
    if (header.readBigUInt64BE(MAGIC.length) !== BigInt(size) || digestOf(header, entries) !== digest)
      return undefined;
    return new ChunkManifest(size, Buffer.from(entries));
  }

  /** Removes the file, and what a broken-off `save` left. */
  static async remove(path: string): Promise<void> {
    await rm(`${path}.new`, { force: true });
    await rm(path, { force: true });
  }
}

const digestOf = (...parts: readonly Buffer[]): string =>
  parts.reduce((digest, part) => digest.update(part), createHash('sha256')).digest('hex');
