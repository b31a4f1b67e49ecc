import type { DiskResult, TransferPass } from '@ledgerlift/contracts';
import { Throttle } from '@ledgerlift/disk-transfer';
import { type Attempt, SourceRanMeanwhile, type StepHandler } from '@ledgerlift/worker';
import type { TransferSettings } from '../config.js';
import type { Tools } from '../tools.js';
import { endingsOf } from './endings.js';
import { movedMeanwhile } from './moved.js';
import { type Source, assertStillOff, assertUnchanged, passOf, resultOf, sourceOf } from './source.js';
import { workplaceOf } from './target.js';
import { type PassContext, VmTransfer } from './vm-transfer.js';

/**
 * One pass over every disk of the VM, several at once, each from its last checkpoint. The cold and the final pass read
 * a VM that is off, and see at their begin and their end that it was off all along; then the disks are read back, as the
 * plan asks.
 *
 * @throws SourceRanMeanwhile, SourceChanged; the stop's reason, once what was reached is checkpointed
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

/** A source that ran is the reason for whatever else went wrong meanwhile. @throws SourceRanMeanwhile */
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

/** After it, nothing more is copied. */
const isLast = ({ kind }: TransferPass): boolean => kind === 'cold' || kind === 'final';

async function allDisks(
  context: Omit<PassContext, 'endings' | 'target'> & { readonly attempt: Attempt },
): Promise<DiskResult[]> {
  const { attempt, settings } = context;
  // When one disk fails, the others stop too: the attempt is over, and nothing of it may write on.
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
