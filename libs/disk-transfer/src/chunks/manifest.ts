import { createHash } from 'node:crypto';
import { link, readFile, rm } from 'node:fs/promises';
import { unfinished, writeFileAtomic } from '@ledgerlift/processes';

/** Disks are hashed, checkpointed and verified in chunks of this size; the last one may be shorter. */
export const CHUNK_SIZE = 1024 * 1024;
export const HASH_LENGTH = 32;

export const chunkCount = (size: number): number => Math.ceil(size / CHUNK_SIZE);
export const chunkLength = (index: number, size: number): number =>
  Math.min(CHUNK_SIZE, size - index * CHUNK_SIZE);

const zeroHashes = new Map<number, Buffer>();

/** Returns the hash of a chunk of zeros, so that zeros need not be read. */
export function zeroHash(length: number): Buffer {
  const known = zeroHashes.get(length);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(Buffer.alloc(length)).digest();
  zeroHashes.set(length, hash);
  return hash;
}

/** Computes SHA-256 in libuv's thread pool, so that hashing and I/O run in parallel. */
export async function hashOf(data: Buffer<ArrayBuffer>): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', data));
}

/** Bytes `offset` to `offset + length` of a disk. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Yields the numbers of the chunks that contain at least one byte of the ranges. Ignores bytes past the disk's end. */
export function* chunksTouchedBy(ranges: readonly ByteRange[], size: number): Generator<number> {
  for (const { offset, length } of ranges) {
    const end = Math.min(Math.ceil((offset + length) / CHUNK_SIZE), chunkCount(size));
    if (length > 0) for (let index = Math.floor(offset / CHUNK_SIZE); index < end; index += 1) yield index;
  }
}

/** Joins ordered ranges that are at most `gap` bytes apart. */
export function joined(ranges: readonly ByteRange[], gap: number): readonly ByteRange[] {
  const found: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges) {
    const last = found.at(-1);
    if (last !== undefined && offset - (last.offset + last.length) <= gap)
      last.length = Math.max(last.length, offset + length - last.offset);
    else found.push({ offset, length });
  }
  return found;
}

const MAGIC = Buffer.from('LLCHUNK1');
const HEADER_LENGTH = MAGIC.length + 8;
const ENTRY_LENGTH = 1 + HASH_LENGTH;
const ABSENT = Buffer.alloc(ENTRY_LENGTH);

/** The finished chunks of a disk with their hashes. File format: a header with the size, then 33 bytes for each chunk. */
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
   * Returns this manifest for the disk after growing. Forgets a partial last chunk, because it has another hash now that it is
   * whole.
   */
  grownTo(size: number): ChunkManifest {
    const grown = new ChunkManifest(size);
    this.#entries.copy(grown.#entries);
    if (this.size % CHUNK_SIZE !== 0) grown.forget(this.count - 1);
    return grown;
  }

  /** Returns a copy that further progress does not change. */
  snapshot(): ChunkManifest {
    return new ChunkManifest(this.size, Buffer.from(this.#entries));
  }

  bytesDone(): number {
    return this.ranges().reduce((sum, { length }) => sum + length, 0);
  }

  /** Returns the ranges of the finished chunks. */
  ranges(): readonly ByteRange[] {
    return this.#rangesWhere((index) => this.has(index));
  }

  /** Returns the ranges of the unfinished chunks. */
  missing(): readonly ByteRange[] {
    return this.#rangesWhere((index) => !this.has(index));
  }

  /**
   * Computes the disk's digest: SHA-256 over the size and all chunk hashes in order. The same for the same content, however it
   * was copied (ADR 3). @returns hex; undefined while chunks are missing
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
   * Replaces the file atomically and durably. Keeps the old one next to it, because the checkpoint that names the new one may
   * never reach the log.
   *
   * @returns the file's digest, by which a checkpoint identifies this exact content
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
   * Loads the manifest that a checkpoint names. If the file was saved once more since, and the log never learned of it, only
   * chunks finished alike in both versions count: no other copy has begun to rewrite them.
   *
   * @returns undefined if the file is missing, changed, of another size, or was saved more than once since
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

  /** Returns the files that `save` may leave beside `path`: half of a new manifest, and the one before. Remove them with it. */
  static beside(path: string): readonly string[] {
    return [unfinished(path), previousOf(path)];
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

/** @returns undefined if there is no such file, or it is for a disk of another size */
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
