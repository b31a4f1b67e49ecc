import { ChunkManifest } from '../chunks/manifest.js';
import { type ByteRange, chunksTouchedBy } from '../chunks/ranges.js';

/**
 * The chunks of the manifest hold what the source held at one moment, flushed; and, where there is a change id, what changed
 * since that moment can be asked for by it (ADR 9).
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
 * Asks what changed between the moment of a change id and the moment that is now read.
 * @returns undefined where the source cannot say any more
 */
export type ChangesSince = (changeId: string) => Promise<readonly ByteRange[] | undefined>;

/** What a copy goes on from. */
export interface Base {
  /**
   * - `resumed`: from a checkpoint of the same moment;
   * - `changed`: from one of another moment, without the chunks that changed since;
   * - `compared`: from none, but the hashes of what the target holds spare writes;
   * - `started`: from nothing, and the target may hold anything.
   */
  readonly kind: 'resumed' | 'changed' | 'compared' | 'started';
  /** In words, for the log. */
  readonly how: string;
  /** Holds the chunks that are done: they are what the source holds at the moment that is read. */
  readonly manifest: ChunkManifest;
  /** `compared` only: what the target holds, of another moment. */
  readonly known?: ChunkManifest;
}

export interface Expected {
  readonly momentId: string;
  readonly size: number;
  readonly manifestPath: string;
  /** None: there is nobody to ask. */
  readonly changesSince?: ChangesSince | undefined;
}

/**
 * Finds what of an earlier copy may be trusted: what a checkpoint says and the target's manifest confirms, for the same
 * moment of the source or for another one that a change id bridges.
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
