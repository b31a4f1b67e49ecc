import type { ChunkManifest } from '../chunks/manifest.js';
import { NbdClient, type NbdEndpoint } from '../nbd/client.js';
import { type Base, type ChangesSince, type Checkpoint, findBase } from './base.js';
import { Checkpointer } from './checkpointer.js';
import { DiskCopy } from './disk-copy.js';
import { TargetTooSmall } from './errors.js';
import { DataRanges, extentsOf } from './extents.js';
import { TargetDisk } from './target-disk.js';
import type { Throttle } from './throttle.js';

export interface CopyOptions {
  /** Several servers of the same disk where one alone cannot inflate fast enough. */
  readonly sources: readonly NbdEndpoint[];
  readonly target: NbdEndpoint;
  /** `fresh`: a file that we just made, which reads as zeros. `dirty`: anything may be there, so zeros are written. */
  readonly targetState: 'fresh' | 'dirty';
  /** The moment of the source that is read: a snapshot, or one power-off. */
  readonly momentId: string;
  /** By which what changed since that moment can be asked for later. */
  readonly changeId?: string | undefined;
  readonly checkpoint?: Checkpoint | undefined;
  /** Asked when the checkpoint is of another moment. */
  readonly changesSince?: ChangesSince | undefined;
  readonly manifestPath: string;
  readonly checkpointEvery: { readonly bytes: number; readonly ms: number };
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly throttle: Throttle;
  /** Ends the I/O at once: what came after the last checkpoint is lost. */
  readonly signal: AbortSignal;
  /** Ends the copy in order: what is under way is finished, flushed and checkpointed, all within two seconds. */
  readonly ending?: AbortSignal | undefined;
  /** Chunks that are in flight at once. */
  readonly inFlight?: number;
}

export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** What was there when the copy began. */
  readonly bytesKept: number;
}

export interface CopyResult {
  readonly size: number;
  /** See ADR 3: one value, whichever way the disk came. */
  readonly digest: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bytesZeroed: number;
  /** What was there when the copy began. */
  readonly bytesKept: number;
  readonly base: Base['kind'];
  /** What it went on from, in words: `resumed`, what changed since another moment, or why it started at the beginning. */
  readonly resumed: string;
  readonly manifest: ChunkManifest;
}

const IN_FLIGHT = 12;
/** How long a copy that ends may take for its last checkpoint. A target that hangs is not waited for. */
const GRACE_MS = 2000;

/**
 * Copies a disk, or what changed of it: extents first, holes never read, zeros always written, each chunk hashed as it is
 * read, checkpoints after a flush. A copy that fails makes a last checkpoint where the target still allows it.
 *
 * @throws NbdConnectionLost, NbdRequestFailed, NbdProtocolError, TargetTooSmall; what `changesSince` throws; the reason
 *   of `signal` or `ending`
 */
export async function copyDisk(options: CopyOptions): Promise<CopyResult> {
  const { signal, ending } = options;
  signal.throwIfAborted();
  ending?.throwIfAborted();
  const stop = ending === undefined ? signal : AbortSignal.any([signal, ending]);
  const connected = await connectAll([options.target, ...options.sources], stop);
  const clients = connected.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const over = new AbortController();
  // Closing is what stops requests that are under way, so that a cancel takes effect at once.
  const closeAll = (): void => {
    over.abort();
    clients.forEach((client) => client.close());
  };
  let grace: NodeJS.Timeout | undefined;
  const endSoon = (): void => {
    grace ??= setTimeout(closeAll, GRACE_MS);
  };
  signal.addEventListener('abort', closeAll, { once: true });
  ending?.addEventListener('abort', endSoon, { once: true });
  try {
    const refused = connected.find((each) => each.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
    const [target, first, ...others] = clients;
    if (target === undefined || first === undefined)
      throw new TypeError('a copy needs a source and a target');
    if (signal.aborted) closeAll();
    if (ending?.aborted === true) endSoon();
    return await copy(options, target, [first, ...others], { stop, over: over.signal, endSoon });
  } catch (error) {
    signal.throwIfAborted();
    ending?.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', closeAll);
    ending?.removeEventListener('abort', endSoon);
    clearTimeout(grace);
    closeAll();
  }
}

/** Once they are made, the signal does not end them. */
async function connectAll(
  endpoints: readonly NbdEndpoint[],
  stop: AbortSignal,
): Promise<readonly PromiseSettledResult<NbdClient>[]> {
  const connecting = new AbortController();
  const giveUp = (): void => connecting.abort();
  stop.addEventListener('abort', giveUp, { once: true });
  const options = { signal: connecting.signal };
  const connected = await Promise.allSettled(endpoints.map((each) => NbdClient.connect(each, options)));
  stop.removeEventListener('abort', giveUp);
  return connected;
}

interface Ends {
  /** Aborts when no further chunk is to be begun. */
  readonly stop: AbortSignal;
  /** Aborts when nothing is waited for any more. */
  readonly over: AbortSignal;
  /** From now on the grace runs. */
  readonly endSoon: () => void;
}

async function copy(
  options: CopyOptions,
  client: NbdClient,
  sources: readonly [NbdClient, ...NbdClient[]],
  { stop, over, endSoon }: Ends,
): Promise<CopyResult> {
  const [{ size }] = sources;
  const { momentId, manifestPath, changesSince, throttle, onProgress } = options;
  const target = new TargetDisk(client, options.targetState);
  if (target.size < size) throw new TargetTooSmall(size, target.size);
  const base = await findBase(options.checkpoint, { momentId, size, manifestPath, changesSince });
  const { manifest } = base;
  const bytesKept = manifest.bytesDone();
  const checkpoints = new Checkpointer({ ...options, target, over });
  // Before anything is written over what an older checkpoint claims, that it claims this no more is written down (ADR 9).
  if (options.checkpoint !== undefined && base.kind !== 'resumed') await checkpoints.make(manifest);
  const ranges = new DataRanges(await extentsOf(sources[0], manifest.missing(), stop));
  const disk = new DiskCopy({
    sources,
    target,
    base,
    ranges,
    checkpoints,
    throttle,
    stop,
    inFlight: options.inFlight ?? IN_FLIGHT,
    onProgress: (bytesDone) => onProgress?.({ bytesDone, bytesTotal: size, bytesKept }),
  });
  try {
    await disk.run();
    await target.zeroTail(size, stop);
  } catch (error) {
    endSoon();
    await checkpoints.make(manifest).catch(() => undefined);
    throw error;
  }
  await checkpoints.make(manifest);
  const digest = manifest.diskDigest();
  if (digest === undefined) throw new Error('a copy ended with chunks missing');
  const { bytesRead } = disk;
  const { bytesWritten, bytesZeroed } = target;
  return {
    size,
    digest,
    bytesRead,
    bytesWritten,
    bytesZeroed,
    bytesKept,
    base: base.kind,
    resumed: base.how,
    manifest,
  };
}
