import { ChunkManifest } from '../chunks/manifest.js';
import type { ByteRange } from '../chunks/ranges.js';

/** What a resumed copy may trust. It follows a flush of what it claims, and belongs to one moment of the source. */
export interface Checkpoint {
  readonly momentId: string;
  readonly ranges: readonly ByteRange[];
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Digest of the manifest file that holds the hashes of exactly these chunks. */
  readonly manifestDigest: string;
}

export type ResumeVerdict =
  | { readonly kind: 'resumed'; readonly manifest: ChunkManifest }
  | { readonly kind: 'started'; readonly why: string; readonly manifest: ChunkManifest };

/**
 * Trusts only what a checkpoint says and the target confirms: the same moment of the source, the same size, and a
 * manifest with the digest that the checkpoint names. Else the copy starts over, and says why.
 */
export async function judgeCheckpoint(
  checkpoint: Checkpoint | undefined,
  expected: { readonly momentId: string; readonly size: number; readonly manifestPath: string },
): Promise<ResumeVerdict> {
  const fresh = (why: string): ResumeVerdict => ({
    kind: 'started',
    why,
    manifest: new ChunkManifest(expected.size),
  });
  if (checkpoint === undefined) return fresh('there is no checkpoint');
  if (checkpoint.momentId !== expected.momentId)
    return fresh('the checkpoint belongs to another moment of the source');
  if (checkpoint.bytesTotal !== expected.size)
    return fresh('the source has another size than at the checkpoint');
  const manifest = await ChunkManifest.load(expected.manifestPath, expected.size, checkpoint.manifestDigest);
  return manifest === undefined
    ? fresh('the chunk manifest is not the one of the checkpoint')
    : { kind: 'resumed', manifest };
}
