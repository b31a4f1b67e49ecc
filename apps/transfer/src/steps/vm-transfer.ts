import type {
  Condition,
  DiskResult,
  SourceDisk,
  SourceVm,
  TransferPass,
  VmRecord,
} from '@ledgerlift/contracts';
import {
  type ChangesSince,
  type CopyResult,
  type Throttle,
  copyDisk,
  verifyDisk,
} from '@ledgerlift/disk-transfer';
import type { Attempt, ProgressItem } from '@ledgerlift/worker';
import type { DisksAtWork, DiskWriter } from '@ledgerlift/targets';
import type { TransferSettings } from '../config.js';
import type { Tools } from '../tools.js';
import type { Endings } from './disk-transfer.js';
import { type OpenDisk, openDisk } from './open-disk.js';
import { sourceOf } from './source.js';

export interface PassContext {
  readonly attempt: Attempt;
  readonly settings: TransferSettings;
  readonly throttle: Throttle;
  readonly pass: TransferPass;
  /** The moment of the source's data. */
  readonly momentId: string;
  readonly verify: VmRecord['settings']['verify'];
  /** The current source: its disks may have grown since the record. */
  readonly now: SourceVm;
  readonly target: DisksAtWork;
  readonly endings: Endings;
  readonly tools: Tools;
}

/** Time for a target's server to end after its copy has failed. Short, so that a hung target cannot block. */
const HURRY_MS = 500;

/** Copies the disks of one VM in one round. */
export class VmTransfer {
  readonly #progress = new Map<string, ProgressItem>();

  constructor(private readonly context: PassContext) {}

  /** @throws the error of the copy or verification; the reason of an ending */
  async copy(disk: SourceDisk): Promise<DiskResult> {
    const { attempt, pass, endings, verify, settings, target } = this.context;
    const { snapshot } = pass;
    const opened = await openDisk(attempt, disk, {
      snapshot,
      inflaters: settings.inflaters,
      tools: this.context.tools,
      target,
      signal: endings.any,
    });
    try {
      const size = this.#sizeOf(disk);
      const writer = await target.openForWriting(disk.id, size);
      if (writer.size === 'grown') attempt.progress([], `${disk.name} has grown to ${size} bytes`);
      const manifestPath = await target.chunkManifest(disk.id);
      const copied = await this.#copyTo(writer, opened, disk, manifestPath).catch(async (error: unknown) => {
        await writer.release(HURRY_MS);
        throw await opened.explain(error);
      });
      await writer.release();
      if (verify !== 'none') await this.#verify(disk, copied.manifest, verify);
      return {
        diskId: disk.id,
        name: writer.name,
        size: copied.size,
        digest: copied.digest,
        bytesRead: copied.bytesRead,
        bytesWritten: copied.bytesWritten,
        bytesZeroed: copied.bytesZeroed,
        resumed: copied.resumed,
        verified: verify,
        ...(opened.way === undefined ? {} : { way: opened.way }),
      };
    } finally {
      await opened.close();
    }
  }

  #sizeOf({ id, capacityBytes }: SourceDisk): number {
    const { pass, now } = this.context;
    const disks = pass.snapshot?.disks;
    return (
      disks?.find(({ diskId }) => diskId === id)?.capacityBytes ??
      now.disks.find((disk) => disk.id === id)?.capacityBytes ??
      capacityBytes
    );
  }

  #copyTo(writer: DiskWriter, opened: OpenDisk, disk: SourceDisk, manifestPath: string): Promise<CopyResult> {
    const { attempt, settings, throttle, pass, momentId, endings } = this.context;
    const checkpoint = attempt.job.checkpoints.find(({ diskId }) => diskId === disk.id);
    // The first attempt writes to a disk that DiskAllocation has just created; later the disk may hold any data.
    // Attempts are numbered across all rounds.
    const isFirst = attempt.ref.attempt === 1 && checkpoint === undefined;
    return copyDisk({
      sources: opened.endpoints,
      target: writer.endpoint,
      targetState: isFirst && writer.content === 'zeros' ? 'fresh' : 'dirty',
      momentId,
      changeId: pass.snapshot?.disks.find(({ diskId }) => diskId === disk.id)?.changeId,
      checkpoint,
      changesSince: this.#changesOf(disk),
      manifestPath,
      checkpointEvery: settings.checkpointEvery,
      onCheckpoint: async (reached) => {
        await attempt.checkpoint([{ ...reached, diskId: disk.id }]);
      },
      // For a delta, progress counts only changed data.
      onProgress: ({ bytesDone, bytesTotal, bytesKept }) => {
        const before = pass.kind === 'delta' || pass.kind === 'final' ? bytesKept : 0;
        this.#report(disk, bytesDone - before, bytesTotal - before, 'copying');
      },
      throttle,
      signal: endings.now,
      ending: endings.inOrder,
    });
  }

  /** Changes are queried from the snapshot that is read, so without a snapshot there are none. */
  #changesOf(disk: SourceDisk): ChangesSince | undefined {
    const { attempt, pass, endings } = this.context;
    const { provider, spec, vm } = sourceOf(attempt);
    const { snapshots } = provider;
    const { snapshot } = pass;
    if (snapshots === undefined || snapshot === undefined) return undefined;
    return (changeId) => snapshots.changes(spec, vm, disk, snapshot, changeId, endings.any);
  }

  async #verify(disk: SourceDisk, manifest: CopyResult['manifest'], mode: 'written' | 'full'): Promise<void> {
    const { attempt, endings, target } = this.context;
    const { endpoint, where, cache, close } = await target.openForVerification(disk.id);
    if (cache === 'used') await attempt.raise(readThroughCache(where));
    await verifyDisk({
      target: endpoint,
      path: where,
      manifest,
      mode,
      signal: endings.any,
      onProgress: ({ bytesDone, bytesTotal }) => this.#report(disk, bytesDone, bytesTotal, 'verifying'),
    }).finally(close);
  }

  #report({ id, name }: SourceDisk, done: number, total: number, what: string): void {
    this.#progress.set(id, { name, done, total, unit: 'bytes' });
    this.context.attempt.progress([...this.#progress.values()], `${what} ${name}`);
  }
}

const readThroughCache = (path: string): Condition => ({
  type: 'VerifiedThroughCache',
  category: 'Advisory',
  reason: 'NoDirectIO',
  message: `The filesystem of ${path} has no direct I/O, so the verification may have read from memory.`,
  items: [path],
  durable: true,
});
