import { CHUNK_SIZE, chunkLength, hashOf, zeroHash } from '../chunks/chunk.js';
import type { ChunkManifest } from '../chunks/manifest.js';
import { NbdClient, type NbdEndpoint } from '../nbd/client.js';
import { type Checkpoint, judgeCheckpoint } from './checkpoint.js';
import { TargetTooSmall } from './errors.js';
import { DataRanges, extentsOf } from './extents.js';
import type { Throttle } from './throttle.js';

export interface CopyOptions {
  /** Several servers of the same disk where one alone cannot inflate fast enough. */
  readonly sources: readonly NbdEndpoint[];
  readonly target: NbdEndpoint;
  /** `fresh`: a file that we just made, which reads as zeros. `dirty`: anything may be there, so zeros are written. */
  readonly targetState: 'fresh' | 'dirty';
  /** The moment of the source that is read: a snapshot, or one power-off. */
  readonly momentId: string;
  readonly checkpoint?: Checkpoint;
  readonly manifestPath: string;
  readonly checkpointEvery: { readonly bytes: number; readonly ms: number };
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
  /** Chunks that are in flight at once. */
  readonly inFlight?: number;
}

export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface CopyResult {
  readonly size: number;
  /** See ADR 3: one value, whichever way the disk came. */
  readonly digest: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bytesZeroed: number;
  /** Bytes that an earlier attempt had copied. */
  readonly bytesResumed: number;
  /** `resumed`, or why it started at the beginning. */
  readonly resumed: string;
  readonly manifest: ChunkManifest;
}

const IN_FLIGHT = 12;
/** Neighbouring chunks of zeros are zeroed by one request. */
const LARGEST_ZERO_RUN = 1024 * CHUNK_SIZE;

/**
 * Copies a disk: extents first, holes never read, zeros always written, each chunk hashed as it is read, checkpoints
 * after a flush.
 *
 * @throws NbdConnectionLost, NbdRequestFailed, NbdProtocolError, TargetTooSmall; the signal's reason
 */
export async function copyDisk(options: CopyOptions): Promise<CopyResult> {
  const connected = await Promise.allSettled(
    [options.target, ...options.sources].map((each) => NbdClient.connect(each)),
  );
  const clients = connected.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const closeAll = (): void => clients.forEach((client) => client.close());
  // Closing is what stops requests that are under way, so that a cancel takes effect at once.
  options.signal.addEventListener('abort', closeAll, { once: true });
  try {
    const refused = connected.find((each) => each.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
    const [target, ...sources] = clients;
    if (target === undefined || sources[0] === undefined)
      throw new TypeError('a copy needs a source and a target');
    return await new DiskCopy(options, target, sources, sources[0]).run();
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', closeAll);
    closeAll();
  }
}

class DiskCopy {
  readonly #buffers: Buffer<ArrayBuffer>[] = [];
  #bytesRead = 0;
  #bytesWritten = 0;
  #bytesZeroed = 0;
  #bytesDone = 0;
  #bytesSinceCheckpoint = 0;
  #checkpointAt = performance.now();
  #checkpointing: Promise<void> | undefined;
  #failed: { readonly error: unknown } | undefined;

  constructor(
    private readonly options: CopyOptions,
    private readonly target: NbdClient,
    private readonly sources: readonly NbdClient[],
    private readonly first: NbdClient,
  ) {}

  async run(): Promise<CopyResult> {
    const { size } = this.first;
    const { momentId, manifestPath, signal } = this.options;
    if (this.target.size < size) throw new TargetTooSmall(size, this.target.size);
    const verdict = await judgeCheckpoint(this.options.checkpoint, { momentId, size, manifestPath });
    const { manifest } = verdict;
    const bytesResumed = manifest.bytesDone();
    this.#bytesDone = bytesResumed;
    const ranges = new DataRanges(await extentsOf(this.first, signal));
    await this.#copyChunks(manifest, ranges);
    if (this.target.size > size) await this.#zeroTail(size);
    await this.#checkpoint(manifest);
    const digest = manifest.diskDigest();
    if (digest === undefined) throw new Error('a copy ended with chunks missing');
    return {
      size,
      digest,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      bytesZeroed: this.#bytesZeroed,
      bytesResumed,
      resumed: verdict.kind === 'resumed' ? 'resumed' : `started at the beginning: ${verdict.why}`,
      manifest,
    };
  }

  async #copyChunks(manifest: ChunkManifest, ranges: DataRanges): Promise<void> {
    const inFlight = new Set<Promise<void>>();
    const limit = this.options.inFlight ?? IN_FLIGHT;
    for (let index = 0; index < manifest.count && this.#failed === undefined;) {
      if (manifest.has(index)) {
        index += 1;
        continue;
      }
      const zeros = this.#zeroRun(manifest, ranges, index);
      const task =
        zeros > 0 ? this.#zeroChunks(manifest, index, zeros) : this.#copyChunk(manifest, ranges, index);
      const tracked: Promise<void> = task
        .catch((error: unknown) => {
          this.#failed ??= { error };
        })
        .finally(() => inFlight.delete(tracked));
      inFlight.add(tracked);
      index += Math.max(zeros, 1);
      if (inFlight.size >= limit) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    await this.#checkpointing;
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  /** How many chunks from `index` on are all zeros and not done. */
  #zeroRun(manifest: ChunkManifest, ranges: DataRanges, index: number): number {
    let count = 0;
    while (
      index + count < manifest.count &&
      count * CHUNK_SIZE < LARGEST_ZERO_RUN &&
      !manifest.has(index + count) &&
      ranges.within((index + count) * CHUNK_SIZE, chunkLength(index + count, manifest.size)).length === 0
    ) {
      count += 1;
    }
    return count;
  }

  async #zeroChunks(manifest: ChunkManifest, first: number, count: number): Promise<void> {
    const offset = first * CHUNK_SIZE;
    const length = Math.min(count * CHUNK_SIZE, manifest.size - offset);
    if (this.options.targetState === 'dirty') await this.#writeZeroes(offset, length);
    for (let index = first; index < first + count; index += 1) {
      manifest.set(index, zeroHash(chunkLength(index, manifest.size)));
    }
    this.#progress(length);
  }

  async #copyChunk(manifest: ChunkManifest, ranges: DataRanges, index: number): Promise<void> {
    const offset = index * CHUNK_SIZE;
    const length = chunkLength(index, manifest.size);
    const parts = ranges.within(offset, length);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    await this.options.throttle.take(bytes, this.options.signal);
    const whole = this.#buffers.pop() ?? Buffer.from(new ArrayBuffer(CHUNK_SIZE));
    const data = whole.subarray(0, length);
    if (bytes < length) data.fill(0);
    const source = this.sources[index % this.sources.length] ?? this.first;
    await Promise.all(
      parts.map((part) =>
        source.read(part.offset, data.subarray(part.offset - offset, part.offset - offset + part.length)),
      ),
    );
    this.#bytesRead += bytes;
    // Hashing does not wait for the write, nor the write for the hash; the chunk is done after both.
    const [hash] = await Promise.all([hashOf(data), this.#writeChunk(offset, data)]);
    manifest.set(index, hash);
    this.#buffers.push(whole);
    this.#bytesSinceCheckpoint += length;
    this.#progress(length);
    this.#checkpointIfDue(manifest);
  }

  async #writeChunk(offset: number, data: Buffer): Promise<void> {
    if (isZero(data)) {
      if (this.options.targetState === 'dirty') await this.#writeZeroes(offset, data.length);
      return;
    }
    await this.target.write(offset, data);
    this.#bytesWritten += data.length;
  }

  /** Never left and never trimmed: WRITE_ZEROES, or zeros written where the server does not have it. */
  async #writeZeroes(offset: number, length: number): Promise<void> {
    if (this.target.canWriteZeroes) await this.target.writeZeroes(offset, length);
    else {
      const zeros = Buffer.alloc(Math.min(length, CHUNK_SIZE));
      for (let done = 0; done < length; done += zeros.length) {
        await this.target.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
      }
    }
    this.#bytesZeroed += length;
  }

  /** A block device may be larger than the source: what lies beyond its end must not show through. */
  async #zeroTail(size: number): Promise<void> {
    if (this.options.targetState === 'fresh') return;
    for (let offset = size; offset < this.target.size; offset += LARGEST_ZERO_RUN) {
      this.options.signal.throwIfAborted();
      await this.#writeZeroes(offset, Math.min(LARGEST_ZERO_RUN, this.target.size - offset));
    }
  }

  #checkpointIfDue(manifest: ChunkManifest): void {
    if (this.#checkpointing !== undefined || this.#bytesSinceCheckpoint === 0) return;
    const { bytes, ms } = this.options.checkpointEvery;
    if (this.#bytesSinceCheckpoint < bytes && performance.now() - this.#checkpointAt < ms) return;
    this.#checkpointing = this.#checkpoint(manifest)
      .catch((error: unknown) => {
        this.#failed ??= { error };
      })
      .finally(() => {
        this.#checkpointing = undefined;
      });
  }

  /** What is done now, then a flush, then the manifest, then the checkpoint: in this order only may it be trusted. */
  async #checkpoint(manifest: ChunkManifest): Promise<void> {
    this.#bytesSinceCheckpoint = 0;
    this.#checkpointAt = performance.now();
    const done = manifest.snapshot();
    await this.target.flush();
    const manifestDigest = await done.save(this.options.manifestPath);
    await this.options.onCheckpoint({
      momentId: this.options.momentId,
      ranges: done.ranges(),
      bytesDone: done.bytesDone(),
      bytesTotal: done.size,
      manifestDigest,
    });
  }

  #progress(bytes: number): void {
    this.#bytesDone += bytes;
    this.options.onProgress?.({ bytesDone: this.#bytesDone, bytesTotal: this.first.size });
  }
}

const ZEROS = Buffer.alloc(CHUNK_SIZE);
const isZero = (data: Buffer): boolean => data[0] === 0 && data.equals(ZEROS.subarray(0, data.length));
