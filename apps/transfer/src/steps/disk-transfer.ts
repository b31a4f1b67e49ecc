import type { Condition, DiskResult, SourceVm, TransferPass } from '@ledgerlift/contracts';
import { Throttle } from '@ledgerlift/disk-transfer';
import { type Attempt, LeaseLost, SourceRanMeanwhile, type StepHandler } from '@ledgerlift/worker';
import type { TransferSettings } from '../config.js';
import type { Tools } from '../tools.js';
import {
  assertStillOff,
  assertUnchanged,
  passOf,
  resultOf,
  type Source,
  sourceOf,
  workplaceOf,
} from './source.js';
import { type PassContext, VmTransfer } from './vm-transfer.js';

/**
 * Copies every disk of the VM in one round, several at once, each from its last checkpoint. The cold copy and the final
 * round read a VM that is off: they check at their start and end that it was off throughout, then verify the disks as
 * the plan requires.
 *
 * @throws SourceRanMeanwhile, SourceChanged; the stop's reason, after checkpointing the progress
 */
export function diskTransfer(settings: TransferSettings, tools: Tools): StepHandler {
  return async (attempt) => {
    const source = sourceOf(attempt);
    const pass = passOf(attempt);
    const now = await assertUnchanged(source);
    const moved = movedMeanwhile(source.vm, now);
    if (moved !== undefined) await attempt.raise(moved);
    const offAt = isLast(pass) ? resultOf(attempt, 'SourcePowerOff').momentId : undefined;
    if (offAt !== undefined) await assertStillOff(source, offAt);
    const momentId = pass.snapshot?.momentId ?? offAt ?? resultOf(attempt, 'SourcePowerOff').momentId;
    const throttle = new Throttle(attempt.bandwidthLimit);
    const endLimits = attempt.onBandwidthLimit((limit) => throttle.setRate(limit));
    try {
      const verify = isLast(pass) ? attempt.job.record.settings.verify : 'none';
      const copying = allDisks({ attempt, settings, throttle, pass, momentId, verify, now, tools });
      const disks = offAt === undefined ? await copying : await whileOff(source, offAt, copying);
      return { step: 'DiskTransfer', disks, pass: { kind: pass.kind, round: pass.round } };
    } finally {
      endLimits();
    }
  };
}

/** If the source ran, reports that instead of other errors, which it probably caused. @throws SourceRanMeanwhile */
async function whileOff<T>(source: Source, momentId: string, copying: Promise<T>): Promise<T> {
  try {
    const copied = await copying;
    await assertStillOff(source, momentId);
    return copied;
  } catch (error) {
    const seen: unknown = await assertStillOff(source, momentId).catch((reason: unknown) => reason);
    throw seen instanceof SourceRanMeanwhile ? seen : error;
  }
}

/** Nothing is copied after this round. */
const isLast = ({ kind }: TransferPass): boolean => kind === 'cold' || kind === 'final';

async function allDisks(
  context: Omit<PassContext, 'endings' | 'target'> & { readonly attempt: Attempt },
): Promise<DiskResult[]> {
  const { attempt, settings } = context;
  // When one disk fails, the others stop too: the attempt has ended, so it must stop writing.
  const endings = endingsOf(attempt);
  await using place = await workplaceOf(attempt);
  const transfer = new VmTransfer({ ...context, target: place.disks, endings });
  const queue = [...attempt.job.record.source.vm.disks];
  const results = new Map<string, DiskResult>();
  const copyNext = async (): Promise<void> => {
    for (let disk = queue.shift(); disk !== undefined; disk = queue.shift()) {
      results.set(disk.id, await transfer.copy(disk));
    }
  };
  const lanes = Array.from({ length: Math.min(settings.disksAtOnce, queue.length) }, () =>
    copyNext().catch((error: unknown) => {
      endings.end(error);
      throw error;
    }),
  );
  const settled = await Promise.allSettled(lanes);
  attempt.signal.throwIfAborted();
  if (settled.some(({ status }) => status === 'rejected')) throw endings.inOrder.reason;
  return attempt.job.record.disks.flatMap(({ diskId }) => results.get(diskId) ?? []);
}

/** Signals that end an attempt's I/O early. */
export interface Endings {
  /** Stop at once: the lease is about to end, and the next attempt may use the disks. */
  readonly now: AbortSignal;
  /** Stop in order: flush and checkpoint the progress first. */
  readonly inOrder: AbortSignal;
  /** Either. */
  readonly any: AbortSignal;
  /** Stops in order, for the handler's own reason. */
  end(reason: unknown): void;
}

export function endingsOf({ signal }: Attempt): Endings {
  const [now, inOrder] = [new AbortController(), new AbortController()];
  const abort = (): void => (signal.reason instanceof LeaseLost ? now : inOrder).abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return {
    now: now.signal,
    inOrder: inOrder.signal,
    any: AbortSignal.any([now.signal, inOrder.signal]),
    end: (reason) => inOrder.abort(reason),
  };
}

/**
 * Reports harmless changes to the source since its migration was recorded, such as a new name: the VM is identified by
 * id.
 *
 * @returns undefined if nothing changed
 */
export function movedMeanwhile(recorded: SourceVm, now: SourceVm): Condition | undefined {
  const changes = [
    ...(now.name === recorded.name ? [] : [`is now called '${now.name}'`]),
    ...(now.folder === recorded.folder ? [] : [`is in the folder ${now.folder ?? 'without a name'}`]),
    ...(now.host === recorded.host ? [] : [`runs on ${now.host ?? 'no host'}`]),
    ...recorded.disks.flatMap(({ id, name, storage, storageId }) => {
      const disk = now.disks.find((each) => each.id === id);
      // Records of older versions have no ids.
      const isThere =
        storageId === undefined || disk?.storageId === undefined
          ? disk?.storage === storage
          : disk.storageId === storageId;
      return disk === undefined || isThere ? [] : [`has '${name}' on ${disk.storage}`];
    }),
  ];
  if (changes.length === 0) return undefined;
  return {
    type: 'SourceVmMoved',
    category: 'Advisory',
    reason: 'MovedMeanwhile',
    message: `'${recorded.name}' ${changes.join(', ')}; its migration continues, because it is identified by its id`,
    items: [recorded.id],
    durable: false,
  };
}
