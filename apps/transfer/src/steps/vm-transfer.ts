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
import type { Endings } from './endings.js';
import { type OpenDisk, openDisk } from './open-disk.js';
import { sourceOf } from './source.js';

export interface PassContext {
  readonly attempt: Attempt;
  readonly settings: TransferSettings;
  readonly throttle: Throttle;
  readonly pass: TransferPass;
  /** The moment of the source that is read. */
  readonly momentId: string;
  readonly verify: VmRecord['settings']['verify'];
  /** The source as it is now: its disks may have grown since it was recorded. */
  readonly now: SourceVm;
  readonly target: DisksAtWork;
  readonly endings: Endings;
  readonly tools: Tools;
}

/** How long a target's server may take to end after its copy has: a target that hangs is not waited for. */
const HURRY_MS = 500;

/** The disks of one VM, in one pass. */
export class VmTransfer {
  readonly #progress = new Map<string, ProgressItem>();

  constructor(private readonly context: PassContext) {}

  /** @throws what a copy or a verification ended with; the reason of an ending */
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
    // A first attempt writes into a disk that DiskAllocation has just made; after that, anything may be in it. Attempts
    // are numbered over all passes.
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
      // Of a delta, only what changed is work.
      onProgress: ({ bytesDone, bytesTotal, bytesKept }) => {
        const before = pass.kind === 'delta' || pass.kind === 'final' ? bytesKept : 0;
        this.#tell(disk, bytesDone - before, bytesTotal - before, 'copying');
      },
      throttle,
      signal: endings.now,
      ending: endings.inOrder,
    });
  }

  /** Bytes are read from the snapshot that is asked, so without one there is nothing to ask. */
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
      onProgress: ({ bytesDone, bytesTotal }) => this.#tell(disk, bytesDone, bytesTotal, 'verifying'),
    }).finally(close);
  }

  #tell({ id, name }: SourceDisk, done: number, total: number, what: string): void {
    this.#progress.set(id, { name, done, total, unit: 'bytes' });
    this.context.attempt.progress([...this.#progress.values()], `${what} ${name}`);
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
