import type { ChunkManifest } from '../chunks/manifest.js';
import type { Checkpoint } from './disk-copy.js';
import type { TargetDisk } from './target-disk.js';

export interface CheckpointerOptions {
  readonly target: TargetDisk;
  readonly momentId: string;
  readonly changeId?: string | undefined;
  readonly manifestPath: string;
  readonly checkpointEvery: { readonly bytes: number; readonly ms: number };
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  /** Aborts when all waits must end. */
  readonly over: AbortSignal;
}

/** Makes the checkpoints of one copy, one at a time. */
export class Checkpointer {
  #bytes = 0;
  #at = performance.now();
  #underWay: Promise<void> | undefined;
  #failed: { readonly error: unknown } | undefined;

  constructor(private readonly options: CheckpointerOptions) {}

  /** Call after copying data. Starts a checkpoint in the background when one is due. */
  copied(bytes: number, manifest: ChunkManifest): void {
    this.#bytes += bytes;
    const { checkpointEvery } = this.options;
    const isDue = this.#bytes >= checkpointEvery.bytes || performance.now() - this.#at >= checkpointEvery.ms;
    if (this.#underWay !== undefined || this.hasFailed || !isDue) return;
    this.#underWay = this.#make(manifest)
      .catch(() => undefined)
      .finally(() => (this.#underWay = undefined));
  }

  get hasFailed(): boolean {
    return this.#failed !== undefined;
  }

  /**
   * Makes a checkpoint of the chunks finished so far.
   * @throws also if an earlier checkpoint failed: once a flush has failed, a later success proves nothing, because the kernel
   *   drops pages that it could not write (https://lwn.net/Articles/752063/)
   */
  async make(manifest: ChunkManifest): Promise<void> {
    await this.#underWay;
    if (this.#failed !== undefined) throw this.#failed.error;
    await this.#make(manifest);
  }

  async #make(manifest: ChunkManifest): Promise<void> {
    try {
      await this.#write(manifest);
    } catch (error) {
      this.#failed ??= { error };
      throw error;
    }
  }

  /** Only this order is safe: snapshot the finished chunks, flush, save the manifest, report the checkpoint. */
  async #write(manifest: ChunkManifest): Promise<void> {
    const { target, momentId, changeId, manifestPath, onCheckpoint, over } = this.options;
    this.#bytes = 0;
    this.#at = performance.now();
    const done = manifest.snapshot();
    await unlessOver(over, () => target.flush());
    const manifestDigest = await unlessOver(over, () => done.save(manifestPath));
    const checkpoint = {
      momentId,
      ...(changeId === undefined ? {} : { changeId }),
      bytesDone: done.bytesDone(),
      bytesTotal: done.size,
      manifestDigest,
    };
    await unlessOver(over, () => onCheckpoint(checkpoint));
  }
}

/** Rejects on abort, so that a hung target cannot block. */
async function unlessOver<T>(over: AbortSignal, begin: () => Promise<T>): Promise<T> {
  over.throwIfAborted();
  const end = Promise.withResolvers<never>();
  const refuse = (): void => end.reject(over.reason);
  over.addEventListener('abort', refuse, { once: true });
  try {
    return await Promise.race([begin(), end.promise]);
  } finally {
    over.removeEventListener('abort', refuse);
  }
}
