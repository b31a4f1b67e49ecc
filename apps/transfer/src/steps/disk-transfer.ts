import { availableParallelism } from 'node:os';
import type { Condition, DiskCheckpoint, DiskResult, SourceDisk } from '@ledgerlift/contracts';
import {
  type NbdServer,
  Throttle,
  acquireWriter,
  copyDisk,
  serveForVerification,
  serveSourceTimes,
  verifyDisk,
} from '@ledgerlift/disk-transfer';
import type { Attempt, ProgressItem, StepHandler } from '@ledgerlift/messaging';
import { diskLayoutOf, resolveOwned } from '@ledgerlift/targets';
import type { TransferSettings } from '../config.js';
import { openDisk } from './open-disk.js';
import { assertUnchanged, resultOf, sourceOf } from './source.js';

/** Copies every disk of the VM, several at once, each from its last checkpoint; then reads it back, as the plan asks. */
export function diskTransfer(settings: TransferSettings): StepHandler {
  return async (attempt) => {
    const source = sourceOf(attempt);
    await assertUnchanged(source);
    const { momentId } = resultOf(attempt, 'SourcePowerOff');
    const throttle = new Throttle(attempt.bandwidthLimit);
    const endLimits = attempt.onBandwidthLimit((limit) => throttle.setRate(limit));
    // When one disk fails, the others stop too: the attempt is over, and nothing of it may write on.
    const stop = new AbortController();
    const signal = AbortSignal.any([attempt.signal, stop.signal]);
    const transfer = new VmTransfer(attempt, settings, throttle, momentId, signal);
    try {
      const queue = [...source.vm.disks];
      const results = new Map<string, DiskResult>();
      const copyNext = async (): Promise<void> => {
        for (let disk = queue.shift(); disk !== undefined; disk = queue.shift()) {
          results.set(disk.id, await transfer.copy(disk));
        }
      };
      const lanes = Array.from({ length: Math.min(settings.disksAtOnce, queue.length) }, () =>
        copyNext().catch((error: unknown) => {
          stop.abort(error);
          throw error;
        }),
      );
      const settled = await Promise.allSettled(lanes);
      attempt.signal.throwIfAborted();
      if (settled.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
      return {
        step: 'DiskTransfer',
        disks: attempt.job.record.disks.flatMap(({ diskId }) => results.get(diskId) ?? []),
      };
    } finally {
      endLimits();
    }
  };
}

class VmTransfer {
  readonly #checkpoints = new Map<string, DiskCheckpoint>();
  readonly #progress = new Map<string, ProgressItem>();

  constructor(
    private readonly attempt: Attempt,
    private readonly settings: TransferSettings,
    private readonly throttle: Throttle,
    private readonly momentId: string,
    private readonly signal: AbortSignal,
  ) {}

  async copy(disk: SourceDisk): Promise<DiskResult> {
    const { record } = this.attempt.job;
    const layout = diskLayoutOf(record, disk.id);
    const target = record.disks.find(({ diskId }) => diskId === disk.id);
    const image = { path: await resolveOwned(record, layout.disk), format: target?.format ?? 'raw' };
    const opened = await openDisk(
      this.attempt,
      disk,
      await resolveOwned(record, layout.unpacked),
      this.signal,
    );
    const sources = await serveSourceTimes(opened.image, opened.isCompressed ? this.#inflaters() : 1);
    try {
      const writer = await acquireWriter(
        image,
        await resolveOwned(record, layout.writer),
        this.attempt.ref.attempt,
      );
      const copied = await this.#copyTo(
        writer.server,
        sources,
        disk,
        await resolveOwned(record, layout.chunks),
      ).finally(() => writer.release());
      const { verify } = record.settings;
      if (verify !== 'none') await this.#verify(disk, image, copied.manifest, verify);
      return {
        diskId: disk.id,
        name: layout.disk,
        size: copied.size,
        digest: copied.digest,
        bytesRead: copied.bytesRead,
        bytesWritten: copied.bytesWritten,
        bytesZeroed: copied.bytesZeroed,
        resumed: copied.resumed,
        verified: verify,
      };
    } finally {
      await Promise.all(sources.map((source) => source.stop()));
    }
  }

  #copyTo(
    writer: NbdServer,
    sources: readonly NbdServer[],
    disk: SourceDisk,
    manifestPath: string,
  ): ReturnType<typeof copyDisk> {
    const checkpoint = this.attempt.job.checkpoints.find(({ diskId }) => diskId === disk.id);
    // A first attempt writes into a disk that DiskAllocation has just made; after that, anything may be in it.
    const isFirst = this.attempt.ref.attempt === 1 && checkpoint === undefined;
    return copyDisk({
      sources,
      target: writer,
      targetState: isFirst ? 'fresh' : 'dirty',
      momentId: this.momentId,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      manifestPath,
      checkpointEvery: this.settings.checkpointEvery,
      onCheckpoint: async (reached) => {
        this.#checkpoints.set(disk.id, { ...reached, ranges: [...reached.ranges], diskId: disk.id });
        await this.attempt.checkpoint([...this.#checkpoints.values()]);
      },
      onProgress: ({ bytesDone, bytesTotal }) => this.#tell(disk, bytesDone, bytesTotal, 'copying'),
      throttle: this.throttle,
      signal: this.signal,
    });
  }

  async #verify(
    disk: SourceDisk,
    image: { readonly path: string; readonly format: 'raw' | 'qcow2' },
    manifest: Awaited<ReturnType<typeof copyDisk>>['manifest'],
    mode: 'written' | 'full',
  ): Promise<void> {
    const { server, cache } = await serveForVerification(image);
    if (cache === 'used') await this.attempt.raise(readThroughCache(image.path));
    await verifyDisk({
      target: server,
      path: image.path,
      manifest,
      mode,
      signal: this.signal,
      onProgress: ({ bytesDone, bytesTotal }) => this.#tell(disk, bytesDone, bytesTotal, 'verifying'),
    }).finally(() => server.stop());
  }

  #inflaters(): number {
    return Math.min(this.settings.inflaters, availableParallelism());
  }

  #tell({ id, name }: SourceDisk, done: number, total: number, what: string): void {
    this.#progress.set(id, { name, done, total, unit: 'bytes' });
    this.attempt.progress([...this.#progress.values()], `${what} ${name}`);
  }
}

const readThroughCache = (path: string): Condition => ({
  type: 'VerifiedThroughCache',
  category: 'Advisory',
  reason: 'NoDirectIO',
  message: `The filesystem of ${path} has no direct I/O, so what was verified may have come from memory.`,
  items: [path],
  durable: true,
});
