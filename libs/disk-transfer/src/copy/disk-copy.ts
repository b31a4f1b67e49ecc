import {
  type ByteRange,
  CHUNK_SIZE,
  chunkLength,
  ChunkManifest,
  chunksTouchedBy,
  hashOf,
  zeroHash,
} from '../chunks/manifest.js';
import type { NbdClient } from '../nbd/client.js';
import type { Checkpointer } from './checkpointer.js';
import { type DataRanges, LARGEST_ZERO_RUN, type TargetDisk } from './target-disk.js';
import type { Throttle } from './copier.js';

export interface DiskCopyOptions {
  /** Connections to the same disk; chunks are read from them round-robin. */
  readonly sources: readonly [NbdClient, ...NbdClient[]];
  readonly target: TargetDisk;
  readonly base: Base;
  readonly ranges: DataRanges;
  readonly checkpoints: Checkpointer;
  readonly throttle: Throttle;
  /** Aborts when no new chunk may begin. */
  readonly stop: AbortSignal;
  readonly inFlight: number;
  readonly onProgress: (bytesDone: number) => void;
}

/** Copies every chunk that the base lacks from source to target. */
export class DiskCopy {
  readonly #buffers: Buffer<ArrayBuffer>[] = [];
  readonly #manifest: ChunkManifest;
  #bytesRead = 0;
  #bytesDone: number;
  /** Aborts the waits of other chunks after one has failed. */
  readonly #failing = new AbortController();
  readonly #stop: AbortSignal;

  constructor(private readonly options: DiskCopyOptions) {
    this.#manifest = options.base.manifest;
    this.#stop = AbortSignal.any([options.stop, this.#failing.signal]);
    this.#bytesDone = this.#manifest.bytesDone();
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Copies all chunks. No request is in flight once it returns or throws. @throws the first request's error; the reason of `stop` */
  async run(): Promise<void> {
    const { inFlight: limit, checkpoints } = this.options;
    const inFlight = new Set<Promise<void>>();
    for (let index = 0; index < this.#manifest.count;) {
      if (this.#stop.aborted || checkpoints.hasFailed) break;
      if (this.#manifest.has(index)) {
        index += 1;
        continue;
      }
      const zeros = this.#zeroRun(index);
      const task = zeros > 0 ? this.#zeroChunks(index, zeros) : this.#copyChunk(index);
      const tracked: Promise<void> = task
        .catch((error: unknown) => this.#failing.abort(error))
        .finally(() => inFlight.delete(tracked));
      inFlight.add(tracked);
      index += Math.max(zeros, 1);
      if (inFlight.size >= limit) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    this.#stop.throwIfAborted();
  }

  /**
   * Counts the chunks from `index` on that are zeros at the source, unfinished, and either all known to be zeros at the target
   * or all not.
   */
  #zeroRun(index: number): number {
    const isHeld = this.#holdsZeros(index);
    let count = 0;
    while (
      index + count < this.#manifest.count &&
      count * CHUNK_SIZE < LARGEST_ZERO_RUN &&
      !this.#manifest.has(index + count) &&
      this.#holdsZeros(index + count) === isHeld &&
      this.#dataOf(index + count).length === 0
    ) {
      count += 1;
    }
    return count;
  }

  async #zeroChunks(first: number, count: number): Promise<void> {
    const { size } = this.#manifest;
    const offset = first * CHUNK_SIZE;
    const length = Math.min(count * CHUNK_SIZE, size - offset);
    if (!this.#holdsZeros(first)) await this.options.target.zero(offset, length);
    for (let index = first; index < first + count; index += 1) {
      this.#manifest.set(index, zeroHash(chunkLength(index, size)));
    }
    this.#progress(length);
  }

  async #copyChunk(index: number): Promise<void> {
    const { throttle, sources, target, base, checkpoints } = this.options;
    const offset = index * CHUNK_SIZE;
    const length = chunkLength(index, this.#manifest.size);
    const parts = this.#dataOf(index);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    await throttle.take(bytes, this.#stop);
    const whole = this.#buffers.pop() ?? Buffer.from(new ArrayBuffer(CHUNK_SIZE));
    const data = whole.subarray(0, length);
    if (bytes < length) data.fill(0);
    const source = sources[index % sources.length] ?? sources[0];
    await Promise.all(
      parts.map((part) =>
        source.read(part.offset, data.subarray(part.offset - offset, part.offset - offset + part.length)),
      ),
    );
    this.#bytesRead += bytes;
    if (base.known?.has(index) === true) {
      const hash = await hashOf(data);
      if (!hash.equals(base.known.hash(index))) await target.write(offset, data);
      this.#manifest.set(index, hash);
    } else {
      // Hash and write in parallel; the chunk is finished after both.
      const [hash] = await Promise.all([hashOf(data), target.write(offset, data)]);
      this.#manifest.set(index, hash);
    }
    this.#buffers.push(whole);
    this.#progress(length);
    checkpoints.copied(length, this.#manifest);
  }

  #dataOf(index: number): ReturnType<DataRanges['within']> {
    return this.options.ranges.within(index * CHUNK_SIZE, chunkLength(index, this.#manifest.size));
  }

  #holdsZeros(index: number): boolean {
    const { known } = this.options.base;
    return (
      known?.has(index) === true &&
      known.hash(index).equals(zeroHash(chunkLength(index, this.#manifest.size)))
    );
  }

  #progress(bytes: number): void {
    this.#bytesDone += bytes;
    this.options.onProgress(this.#bytesDone);
  }
}

/**
 * States that the manifest's chunks are flushed at the target and equal the source at one moment. With a change id, the source
 * can report the changes since that moment (ADR 9).
 */
export interface Checkpoint {
  readonly momentId: string;
  readonly changeId?: string | undefined;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Digest of the manifest file that holds the hashes of exactly these chunks. */
  readonly manifestDigest: string;
}

/**
 * Asks the source what changed between the moment of a change id and the moment now being read.
 * @returns undefined if the source can no longer tell
 */
export type ChangesSince = (changeId: string) => Promise<readonly ByteRange[] | undefined>;

/** The earlier result that a copy continues from. */
export interface Base {
  /**
   * - `resumed`: a checkpoint of the same moment;
   * - `changed`: a checkpoint of another moment, minus the chunks that changed since;
   * - `compared`: none, so everything is read, but known hashes of the target avoid writes;
   * - `started`: none, and the target's content is unknown.
   */
  readonly kind: 'resumed' | 'changed' | 'compared' | 'started';
  /** A description for the log. */
  readonly how: string;
  /** The finished chunks: they equal the source at the moment being read. */
  readonly manifest: ChunkManifest;
  /** `compared` only: hashes of the target's content, from another moment. */
  readonly known?: ChunkManifest;
}

export interface Expected {
  readonly momentId: string;
  readonly size: number;
  readonly manifestPath: string;
  /** Absent if the source cannot report changes. */
  readonly changesSince?: ChangesSince | undefined;
}

/**
 * Finds the chunks of an earlier copy that can be trusted: those that a checkpoint states and the manifest confirms, for the
 * same moment of the source or for another moment that a change id bridges.
 */
export async function findBase(checkpoint: Checkpoint | undefined, expected: Expected): Promise<Base> {
  const { size } = expected;
  const started = (why: string): Base => ({
    kind: 'started',
    how: `started at the beginning: ${why}`,
    manifest: new ChunkManifest(size),
  });
  if (checkpoint === undefined) return started('there is no checkpoint');
  const { changeId, momentId } = checkpoint;
  if (momentId !== expected.momentId && changeId === undefined)
    return started('the checkpoint belongs to another moment of the source');
  const { bytesTotal } = checkpoint;
  if (bytesTotal > size) return started('the source is smaller than at the checkpoint');
  const manifest = await ChunkManifest.load(expected.manifestPath, bytesTotal, checkpoint.manifestDigest);
  if (manifest === undefined) return started('the chunk manifest is not the one of the checkpoint');
  if (bytesTotal < size) {
    const how = `compared: the disk has grown from ${bytesTotal} to ${size} bytes since the checkpoint`;
    return { kind: 'compared', how, manifest: new ChunkManifest(size), known: manifest.grownTo(size) };
  }
  if (momentId === expected.momentId) return { kind: 'resumed', how: 'resumed', manifest };
  const changes = changeId === undefined ? undefined : await expected.changesSince?.(changeId);
  if (changes === undefined) {
    const how = 'compared: the source cannot say what changed since the checkpoint';
    return { kind: 'compared', how, manifest: new ChunkManifest(size), known: manifest };
  }
  for (const index of chunksTouchedBy(changes, size)) manifest.forget(index);
  const bytes = changes.reduce((sum, { length }) => sum + length, 0);
  return { kind: 'changed', how: `went on from another moment: ${bytes} bytes changed since`, manifest };
}
