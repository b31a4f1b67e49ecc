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

/** Where one VM's conversion happens; to be disposed of. */
export interface Workplace extends AsyncDisposable {
  readonly target: TargetPlace;
  readonly at: ConversionAtWork;
  /** Over all disks, in the record's order. */
  readonly overlays: readonly Overlay[];
  /** Says who works on the disks now. */
  readonly holder: { readonly path: string; readonly resource: Resource; readonly owner: HolderOwner };
  /** On this machine; short, for sockets are made in it. */
  readonly scratch: string;
  /** To be called before each thing that cannot be undone. @throws the signal's reason */
  stillOurs(): Promise<void>;
}

/** Names only; makes and opens nothing. @throws UnsafePath */
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

/** One for each attempt: a late end of one must not take away what the next one works in. */
function digest({ job: { record }, ref }: Attempt): string {
  return createHash('sha256')
    .update(JSON.stringify([record.installation, ref.stream, ref.step, ref.attempt]))
    .digest('hex')
    .slice(0, 12);
}

/**
 * Ends whatever an earlier attempt left running, and sees it gone.
 * @throws HeldElsewhere, HolderUnreadable, LeftoverAlive, DisksHeld, the signal's reason
 */
export async function endEarlier({ holder, at }: Workplace): Promise<void> {
  if ((await endHolder(holder.path, holder.owner)) === 'out-of-sight') await at.assertFree();
}

/**
 * The same, and makes sure that nobody else has the disks either.
 * @throws also ForeignImageRefused, where a disk leads to another file
 */
export async function takeOver(place: Workplace): Promise<void> {
  await endEarlier(place);
  await place.at.assertFree();
}
