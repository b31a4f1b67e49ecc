import { setTimeout as sleep } from 'node:timers/promises';
import type { ChunkManifest } from '../chunks/manifest.js';
import { NbdClient, type NbdEndpoint } from '../nbd/client.js';
import { Checkpointer } from './checkpointer.js';
import { type Base, type ChangesSince, type Checkpoint, DiskCopy, findBase } from './disk-copy.js';
import { TargetTooSmall } from './errors.js';
import { DataRanges, extentsOf, TargetDisk } from './target-disk.js';

/** The bucket holds at most this many seconds' worth of bytes, so that no burst follows a pause. */
const BURST_SECONDS = 0.25;
/** Short, so that a changed rate is noticed soon even at a low rate. */
const LONGEST_SLEEP_MS = 200;

/** A bandwidth limit that several copies share. It can change while they run. */
export class Throttle {
  #tokens = 0;
  #filledAt = performance.now();

  constructor(private bytesPerSecond?: number) {}

  /** @param bytesPerSecond undefined for no limit */
  setRate(bytesPerSecond: number | undefined): void {
    this.#fill();
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` may be moved. @throws the signal's reason */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#fill();
    // A caller may go into debt, and the next caller waits until it is paid. So any size can pass.
    while (this.bytesPerSecond !== undefined && this.#tokens < 0) {
      const wait = Math.min(LONGEST_SLEEP_MS, (-this.#tokens / this.bytesPerSecond) * 1000);
      await sleep(Math.max(wait, 1), undefined, { signal });
      this.#fill();
    }
    if (this.bytesPerSecond !== undefined) this.#tokens -= bytes;
  }

  #fill(): void {
    const now = performance.now();
    const rate = this.bytesPerSecond;
    const seconds = (now - this.#filledAt) / 1000;
    this.#filledAt = now;
    this.#tokens = rate === undefined ? 0 : Math.min(rate * BURST_SECONDS, this.#tokens + rate * seconds);
  }
}

export interface CopyOptions {
  /** Servers of the same disk; several if one alone cannot decompress fast enough. */
  readonly sources: readonly NbdEndpoint[];
  readonly target: NbdEndpoint;
  /** `fresh`: a new file, which reads as zeros. `dirty`: unknown content, so zeros must be written. */
  readonly targetState: 'fresh' | 'dirty';
  /** The moment of the source to read: a snapshot, or one power-off. */
  readonly momentId: string;
  /** Identifies this moment when asking for later changes. */
  readonly changeId?: string | undefined;
  readonly checkpoint?: Checkpoint | undefined;
  /** Called if the checkpoint is of another moment. */
  readonly changesSince?: ChangesSince | undefined;
  readonly manifestPath: string;
  readonly checkpointEvery: { readonly bytes: number; readonly ms: number };
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly throttle: Throttle;
  /** Stops all I/O at once. Loses progress since the last checkpoint. */
  readonly signal: AbortSignal;
  /** Ends the copy gracefully: finishes chunks in flight, flushes and makes a checkpoint, all within two seconds. */
  readonly ending?: AbortSignal | undefined;
  /** Maximum number of chunks in flight; 12 by default. */
  readonly inFlight?: number;
}

export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Bytes already finished when the copy began. */
  readonly bytesKept: number;
}

export interface CopyResult {
  readonly size: number;
  /** The same for the same content, however it was copied (ADR 3). */
  readonly digest: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bytesZeroed: number;
  /** Bytes already finished when the copy began. */
  readonly bytesKept: number;
  readonly base: Base['kind'];
  /** A description of the base: `resumed`, the changes since another moment, or why the copy started from the beginning. */
  readonly resumed: string;
  readonly manifest: ChunkManifest;
}

const IN_FLIGHT = 12;
/** Time limit for the last checkpoint of an ending copy, so that a hung target cannot block it. */
const GRACE_MS = 2000;

/**
 * Copies a disk or its changes. Asks for extents first, never reads zero extents, always writes zeros to a dirty target, hashes each
 * chunk as it is read, and makes a checkpoint only after a flush. If the copy fails, tries to make a last checkpoint.
 *
 * @throws NbdConnectionLost, NbdRequestFailed, NbdProtocolError, TargetTooSmall; errors of `changesSince`; the reason
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
  // Closing the connections stops requests in flight, so that a cancel takes effect at once.
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

/** Connects to all endpoints. After that, `stop` no longer ends the connections. */
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
  /** Aborts when no new chunk may begin. */
  readonly stop: AbortSignal;
  /** Aborts when all waits must end. */
  readonly over: AbortSignal;
  /** Starts the grace period. */
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
  // Before overwriting chunks that an older checkpoint claims, replace that checkpoint by one that does not claim them (ADR 9).
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
