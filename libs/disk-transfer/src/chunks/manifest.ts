import { createHash } from 'node:crypto';
import { link, readFile, rm } from 'node:fs/promises';
import { unfinished, writeFileAtomic } from '@ledgerlift/processes';
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

  /**
   * The same of a disk that has grown since. Its last chunk is forgotten where it was no whole one: as one that is whole
   * it has another hash.
   */
  grownTo(size: number): ChunkManifest {
    const grown = new ChunkManifest(size);
    this.#entries.copy(grown.#entries);
    if (this.size % CHUNK_SIZE !== 0) grown.forget(this.count - 1);
    return grown;
  }

  /** A copy that further progress does not change. */
  snapshot(): ChunkManifest {
    return new ChunkManifest(this.size, Buffer.from(this.#entries));
  }

  bytesDone(): number {
    return this.ranges().reduce((sum, { length }) => sum + length, 0);
  }

  /** Where the chunks lie that are done. */
  ranges(): readonly ByteRange[] {
    return this.#rangesWhere((index) => this.has(index));
  }

  /** Where those lie that are not. */
  missing(): readonly ByteRange[] {
    return this.#rangesWhere((index) => !this.has(index));
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
   * Writes the file anew beside the old one, and puts it in its place once it is durable. The old one is kept beside it,
   * for the checkpoint that names the new one may never get into the log.
   *
   * @returns the digest of the file, by which a checkpoint names exactly this content
   */
  async save(path: string): Promise<string> {
    const header = Buffer.alloc(HEADER_LENGTH);
    MAGIC.copy(header);
    header.writeBigUInt64BE(BigInt(this.size), MAGIC.length);
    await writeFileAtomic(path, [header, this.#entries], {
      mode: 0o600,
      beforeRename: async () => {
        await rm(previousOf(path), { force: true });
        await link(path, previousOf(path)).catch((error: unknown) => {
          if (!isMissing(error)) throw error;
        });
      },
    });
    return digestOf(header, this.#entries);
  }

  /**
   * The manifest that a checkpoint names. Where the file has moved on by one since, which the log never learned, only the
   * chunks count that are done in both: no other copy has begun to write them anew.
   *
   * @returns undefined when the file is missing, changed, of another size, or has moved on further
   */
  static async load(path: string, size: number, digest: string): Promise<ChunkManifest | undefined> {
    const current = await read(path, size);
    if (current?.digest === digest) return new ChunkManifest(size, current.entries);
    const previous = await read(previousOf(path), size);
    if (current === undefined || previous?.digest !== digest) return undefined;
    const [now, before] = [
      new ChunkManifest(size, current.entries),
      new ChunkManifest(size, previous.entries),
    ];
    for (let index = 0; index < before.count; index += 1) {
      if (!now.has(index) || !now.hash(index).equals(before.hash(index))) before.forget(index);
    }
    return before;
  }

  /** Removes the file, and what `save` keeps or left beside it. */
  static async remove(path: string): Promise<void> {
    await Promise.all([unfinished(path), previousOf(path), path].map((file) => rm(file, { force: true })));
  }

  #rangesWhere(isMeant: (index: number) => boolean): readonly ByteRange[] {
    const ranges: { offset: number; length: number }[] = [];
    for (let index = 0; index < this.count; index += 1) {
      if (!isMeant(index)) continue;
      const offset = index * CHUNK_SIZE;
      const last = ranges.at(-1);
      const length = chunkLength(index, this.size);
      if (last !== undefined && last.offset + last.length === offset) last.length += length;
      else ranges.push({ offset, length });
    }
    return ranges;
  }
}

interface ManifestFile {
  readonly digest: string;
  readonly entries: Buffer;
}

/** @returns undefined when there is no such file, or none for a disk of this size */
async function read(path: string, size: number): Promise<ManifestFile | undefined> {
  const content = await readFile(path).catch(() => undefined);
  if (content === undefined || content.length !== HEADER_LENGTH + chunkCount(size) * ENTRY_LENGTH)
    return undefined;
  const [header, entries] = [content.subarray(0, HEADER_LENGTH), content.subarray(HEADER_LENGTH)];
  if (header.readBigUInt64BE(MAGIC.length) !== BigInt(size)) return undefined;
  return { digest: digestOf(header, entries), entries: Buffer.from(entries) };
}

const previousOf = (path: string): string => `${path}.previous`;
const isMissing = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
const digestOf = (...parts: readonly Buffer[]): string =>
  parts.reduce((digest, part) => digest.update(part), createHash('sha256')).digest('hex');
