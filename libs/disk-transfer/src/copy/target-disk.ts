import { CHUNK_SIZE } from '../chunks/chunk.js';
import type { NbdClient } from '../nbd/client.js';

/** Neighbouring chunks of zeros are zeroed by one request, up to this. */
export const LARGEST_ZERO_RUN = 1024 * CHUNK_SIZE;

/** The disk that is written, and what was written to it. */
export class TargetDisk {
  bytesWritten = 0;
  bytesZeroed = 0;

  constructor(
    private readonly client: NbdClient,
    /** `fresh`: a file that we just made, which reads as zeros. */
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

  /** Never left and never trimmed: WRITE_ZEROES, or zeros written where the server does not have it. */
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

  /** A block device may be larger than the source: what lies beyond its end must not show through. */
  async zeroTail(from: number, signal: AbortSignal): Promise<void> {
    for (let offset = from; offset < this.size; offset += LARGEST_ZERO_RUN) {
      signal.throwIfAborted();
      await this.zero(offset, Math.min(LARGEST_ZERO_RUN, this.size - offset));
    }
  }

  /** What was written before is durable afterwards. */
  async flush(): Promise<void> {
    await this.client.flush();
  }
}

const ZEROS = Buffer.alloc(CHUNK_SIZE);
const isZero = (data: Buffer): boolean => data[0] === 0 && data.equals(ZEROS.subarray(0, data.length));
