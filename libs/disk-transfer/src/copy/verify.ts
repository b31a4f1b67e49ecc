import { CHUNK_SIZE, chunkLength, type ChunkManifest, hashOf, zeroHash } from '../chunks/manifest.js';
import { NbdClient, type NbdEndpoint } from '../nbd/client.js';
import { VerificationFailed } from './errors.js';
import { DataRanges, extentsOf } from './target-disk.js';

export interface VerifyOptions {
  /** An export that bypasses the page cache; otherwise reads could come from memory instead of the storage. */
  readonly target: NbdEndpoint;
  /** The target's name for the error. */
  readonly path: string;
  readonly manifest: ChunkManifest;
  /** `written`: only chunks with data. `full`: also chunks of zeros. */
  readonly mode: 'written' | 'full';
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly bytesDone: number; readonly bytesTotal: number }) => void;
}

const IN_FLIGHT = 8;
const NAMED_CHUNKS = 10;

/** Reads the target back and compares each chunk with its hash from the source. @throws VerificationFailed */
export async function verifyDisk(options: VerifyOptions): Promise<void> {
  const { manifest, mode, signal } = options;
  const client = await NbdClient.connect(options.target);
  const close = (): void => client.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    const ranges = new DataRanges(await extentsOf(client, [{ offset: 0, length: manifest.size }], signal));
    const wrong: number[] = [];
    let next = 0;
    let bytesDone = 0;
    const worker = async (): Promise<void> => {
      const buffer = Buffer.from(new ArrayBuffer(CHUNK_SIZE));
      for (let index = next++; index < manifest.count; index = next++) {
        signal.throwIfAborted();
        const length = chunkLength(index, manifest.size);
        const isZeroChunk = manifest.hash(index).equals(zeroHash(length));
        if (mode === 'full' || !isZeroChunk) {
          const data = buffer.subarray(0, length);
          const hash = await hashOfChunk(client, ranges, index, data);
          if (!hash.equals(manifest.hash(index))) wrong.push(index);
        }
        bytesDone += length;
        options.onProgress?.({ bytesDone, bytesTotal: manifest.size });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    if (wrong.length > 0) {
      throw new VerificationFailed(
        options.path,
        wrong.sort((a, b) => a - b).slice(0, NAMED_CHUNKS),
        wrong.length,
      );
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', close);
    client.close();
  }
}

async function hashOfChunk(
  client: NbdClient,
  ranges: DataRanges,
  index: number,
  data: Buffer<ArrayBuffer>,
): Promise<Buffer> {
  const offset = index * CHUNK_SIZE;
  const parts = ranges.within(offset, data.length);
  if (parts.length === 0) return zeroHash(data.length);
  data.fill(0);
  await Promise.all(
    parts.map((part) =>
      client.read(part.offset, data.subarray(part.offset - offset, part.offset - offset + part.length)),
    ),
  );
  return hashOf(data);
}
