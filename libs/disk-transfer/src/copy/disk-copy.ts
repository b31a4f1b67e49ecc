import { CHUNK_SIZE, chunkLength, hashOf, zeroHash } from '../chunks/chunk.js';
import type { ChunkManifest } from '../chunks/manifest.js';
import type { NbdClient } from '../nbd/client.js';
import type { Base } from './base.js';
import type { Checkpointer } from './checkpointer.js';
import type { DataRanges } from './extents.js';
import { LARGEST_ZERO_RUN, type TargetDisk } from './target-disk.js';
import type { Throttle } from './throttle.js';

export interface DiskCopyOptions {
  /** Connections to the same disk; chunks are read from them in turn. */
  readonly sources: readonly [NbdClient, ...NbdClient[]];
  readonly target: TargetDisk;
  readonly base: Base;
  readonly ranges: DataRanges;
  readonly checkpoints: Checkpointer;
  readonly throttle: Throttle;
  /** Aborts when no further chunk is to be begun. */
  readonly stop: AbortSignal;
  readonly inFlight: number;
  readonly onProgress: (bytesDone: number) => void;
}

/** Brings every chunk that the base does not have from the source to the target. */
export class DiskCopy {
  readonly #buffers: Buffer<ArrayBuffer>[] = [];
  readonly #manifest: ChunkManifest;
  #bytesRead = 0;
  #bytesDone: number;
  /** Ends the waits of the other chunks when one has failed. */
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

  /** When it throws, nothing is under way any more. @throws what a request failed with; the reason of `stop` */
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

  /** How many chunks from `index` on are all zeros, not done, and alike in whether the target holds zeros already. */
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
      // Hashing does not wait for the write, nor the write for the hash; the chunk is done after both.
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
