import { type ByteRange, CHUNK_SIZE, joined } from '../chunks/manifest.js';
import type { Extent, NbdClient } from '../nbd/client.js';

/** Most bytes of adjacent zero chunks that one request zeroes. */
export const LARGEST_ZERO_RUN = 1024 * CHUNK_SIZE;

/** The disk being written, with counts of the bytes written. */
export class TargetDisk {
  bytesWritten = 0;
  bytesZeroed = 0;

  constructor(
    private readonly client: NbdClient,
    /** `fresh`: a new file, which reads as zeros. */
    private readonly state: 'fresh' | 'dirty',
  ) {}

  get size(): number {
    return this.client.size;
  }

  async write(offset: number, data: Buffer): Promise<void> {
    if (isZero(data)) {
      await this.zero(offset, data.length);
      return;
    }
    await this.client.write(offset, data);
    this.bytesWritten += data.length;
  }

  /** Zeroes a range, by WRITE_ZEROES or else by writing zeros. Never relies on trimming or old content of a dirty disk. */
  async zero(offset: number, length: number): Promise<void> {
    if (this.state === 'fresh') return;
    if (this.client.canWriteZeroes) await this.client.writeZeroes(offset, length);
    else {
      const zeros = Buffer.alloc(Math.min(length, CHUNK_SIZE));
      for (let done = 0; done < length; done += zeros.length) {
        await this.client.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
      }
    }
    this.bytesZeroed += length;
  }

  /** Zeroes everything from `from` on: old content of a block device larger than the source must not show. */
  async zeroTail(from: number, signal: AbortSignal): Promise<void> {
    for (let offset = from; offset < this.size; offset += LARGEST_ZERO_RUN) {
      signal.throwIfAborted();
      await this.zero(offset, Math.min(LARGEST_ZERO_RUN, this.size - offset));
    }
  }

  /** Makes all earlier writes durable. */
  async flush(): Promise<void> {
    await this.client.flush();
  }
}

const ZEROS = Buffer.alloc(CHUNK_SIZE);
const isZero = (data: Buffer): boolean => data[0] === 0 && data.equals(ZEROS.subarray(0, data.length));

/** Bytes per block status request, whose length is a 32-bit number. */
const STATUS_LENGTH = 1024 ** 3;
/** Ranges at most this far apart share a request: an extra extent costs less than an extra request. */
const GAP = 64 * 1024 ** 2;

/** Reads the extents of at least these ranges, which must be in order. Joins neighbours of the same kind. */
export async function extentsOf(
  source: NbdClient,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): Promise<readonly Extent[]> {
  const extents: Extent[] = [];
  for (const { offset, length } of joined(ranges, GAP)) {
    const end = offset + length;
    for (let at = offset; at < end;) {
      signal.throwIfAborted();
      for (const extent of await source.blockStatus(at, Math.min(STATUS_LENGTH, end - at))) {
        const last = extents.at(-1);
        if (last?.zero === extent.zero && last.offset + last.length === extent.offset)
          extents[extents.length - 1] = { ...last, length: last.length + extent.length };
        else extents.push(extent);
        at = extent.offset + extent.length;
      }
    }
  }
  return extents;
}

/**
 * Finds the parts of a range that must be read; the rest is zeros. Works only for ranges whose extents were passed in, and is
 * fast if they are asked for roughly in order.
 */
export class DataRanges {
  #at = 0;

  constructor(private readonly extents: readonly Extent[]) {}

  within(offset: number, length: number): readonly ByteRange[] {
    const end = offset + length;
    const found: ByteRange[] = [];
    while (this.#at > 0 && (this.extents[this.#at]?.offset ?? Number.POSITIVE_INFINITY) > offset)
      this.#at -= 1;
    for (let index = this.#at; index < this.extents.length; index += 1) {
      const extent = this.extents[index];
      if (extent === undefined || extent.offset >= end) break;
      const extentEnd = extent.offset + extent.length;
      if (extentEnd <= offset) {
        this.#at = index + 1;
        continue;
      }
      if (extent.zero) continue;
      const from = Math.max(extent.offset, offset);
      found.push({ offset: from, length: Math.min(extentEnd, end) - from });
    }
    return found;
  }
}
