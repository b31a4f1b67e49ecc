import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Resource } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/worker';
import {
  type ConversionAtWork,
  type Overlay,
  type Purpose,
  type Workplace as TargetPlace,
  guardOf,
  targetOf,
} from '@ledgerlift/targets';
import { endHolder, type HolderOwner } from '../holder/index.js';

/** The files of one VM's conversion; the caller disposes it. */
export interface Workplace extends AsyncDisposable {
  readonly target: TargetPlace;
  readonly at: ConversionAtWork;
  /** Over all disks, in the record's order. */
  readonly overlays: readonly Overlay[];
  /** The record of the processes that use the disks. */
  readonly holder: { readonly path: string; readonly resource: Resource; readonly owner: HolderOwner };
  /** A folder on this machine, with a short path because it contains sockets. */
  readonly scratch: string;
  /** Call this before each irreversible change. @throws the signal's reason */
  stillOurs(): Promise<void>;
}

/** Computes names only; creates and opens nothing. @throws UnsafePath */
export async function workplaceOf(
  attempt: Attempt,
  scratchRoot: string,
  purpose: Purpose = 'migration',
): Promise<Workplace> {
  const { record } = attempt.job;
  const guard = guardOf(attempt);
  await using opened = new AsyncDisposableStack();
  const target = opened.use(await targetOf(record.target.type).workplace(record, guard));
  const at = target.conversion(purpose);
  const { worker, stream } = attempt.ref;
  const overlays = await at.overlays();
  const holder = await at.holder();
  const kept = opened.move();
  return {
    target,
    at,
    overlays,
    holder: { ...holder, owner: { worker, installation: record.installation, stream } },
    scratch: join(scratchRoot, `ledgerlift-v2v-${digest(attempt)}`),
    stillOurs: guard.stillOurs,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Differs for each attempt, so that a late attempt cannot remove the scratch folder of the next one. */
function digest({ job: { record }, ref }: Attempt): string {
  return createHash('sha256')
    .update(JSON.stringify([record.installation, ref.stream, ref.step, ref.attempt]))
    .digest('hex')
    .slice(0, 12);
}

/**
 * Ends processes of an earlier attempt, and confirms that they are gone.
 * @throws HeldElsewhere, HolderUnreadable, LeftoverAlive, DisksHeld, the signal's reason
 */
export async function endEarlier({ holder, at }: Workplace): Promise<void> {
  if ((await endHolder(holder.path, holder.owner)) === 'out-of-sight') await at.assertFree();
}

/**
 * Ends processes of an earlier attempt, and checks that no other process has the disks open.
 * @throws as endEarlier; ForeignImageRefused if a disk refers to another file
 */
export async function takeOver(place: Workplace): Promise<void> {
  await endEarlier(place);
  await place.at.assertFree();
}
