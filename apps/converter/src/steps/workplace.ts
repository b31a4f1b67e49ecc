import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Resource, VmRecord } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/worker';
import { assertSelfContained } from '@ledgerlift/disk-transfer';
import { claimsFor, diskPathsOf, layoutOf, resolveOwned } from '@ledgerlift/targets';
import { assertFree, type Overlay } from '../overlays/index.js';
import { endHolder, type HolderOwner } from '../holder/index.js';

/** A conversion that will be committed, one that is only booted, and thrown away, or one that is only tried. */
export type Purpose = 'migration' | 'test' | 'inspection';

const stepOf = {
  migration: 'ImageConversion',
  test: 'TestConversion',
  inspection: 'PreflightInspection',
} as const;
const logOf = { migration: 'conversion', test: 'testConversion', inspection: 'preflightInspection' } as const;

/** Where one VM's conversion happens. All paths are absolute; names are the ledger's. */
export interface Workplace {
  /** Over all disks, in boot order. */
  readonly overlays: readonly Overlay[];
  readonly overlayNames: readonly string[];
  readonly commitMarker: string;
  /** Claimed before anything is made: what the step makes, and the holder's record. */
  readonly claims: readonly Resource[];
  readonly log: { readonly path: string; readonly name: string };
  /** Says who works on the disks now. */
  readonly holder: { readonly path: string; readonly resource: Resource; readonly owner: HolderOwner };
  /** On this machine; short, for sockets are made in it. */
  readonly scratch: string;
}

/** The record of who converts or commits; beside the disks, so that another machine finds it. */
function holderResource(record: VmRecord): Resource {
  return {
    kind: 'writer-record',
    name: `${record.folder}/conversion.writer.json`,
    service: 'converter',
    lifetime: 'resume',
  };
}

/** Names only; makes and opens nothing. @throws UnsafePath */
export async function workplaceOf(
  attempt: Attempt,
  scratchRoot: string,
  purpose: Purpose = 'migration',
): Promise<Workplace> {
  const { record } = attempt.job;
  const layout = layoutOf(record);
  const isTest = purpose === 'test';
  const log = layout.logs[logOf[purpose]];
  const holder = holderResource(record);
  const bases = await diskPathsOf(record);
  const overlayNames = layout.disks.map((disk) => (isTest ? disk.testOverlay : disk.overlay));
  const overlays = await Promise.all(
    record.disks.map(async (disk, index): Promise<Overlay> => ({
      path: await resolveOwned(record, overlayNames[index] ?? ''),
      base: bases[index] ?? '',
      baseFormat: disk.format,
    })),
  );
  return {
    overlays,
    overlayNames,
    commitMarker: await resolveOwned(record, layout.commitMarker),
    claims: [...claimsFor(record)[stepOf[purpose]], holder],
    log: { path: await resolveOwned(record, log), name: log },
    holder: {
      path: await resolveOwned(record, holder.name),
      resource: holder,
      owner: {
        worker: attempt.ref.worker,
        installation: record.installation,
        stream: attempt.ref.stream,
      },
    },
    scratch: join(scratchRoot, `ledgerlift-v2v-${digest(attempt)}`),
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
export async function endEarlier(place: Workplace, signal: AbortSignal): Promise<void> {
  if ((await endHolder(place.holder.path, place.holder.owner)) === 'out-of-sight')
    await assertNotHeld(place, signal);
}

/**
 * The same, and makes sure that nobody else has the disks either.
 * @throws also ForeignImageRefused, where a disk leads to another file
 */
export async function takeOver(place: Workplace, signal: AbortSignal): Promise<void> {
  await endEarlier(place, signal);
  await assertNotHeld(place, signal);
}

async function assertNotHeld({ overlays }: Workplace, signal: AbortSignal): Promise<void> {
  // A disk that the user brought may have been swapped since it was adopted, and every tool below follows what it names.
  for (const { base, baseFormat } of overlays)
    if (existsSync(base)) await assertSelfContained({ driver: baseFormat, file: base });
  await assertFree(
    overlays.flatMap(({ path, base, baseFormat }) => [
      { path: base, format: baseFormat },
      { path, format: 'qcow2' as const },
    ]),
    signal,
  );
}

/**
 * To be called before each thing that cannot be undone. A process that was stopped for a while first lets its timers
 * run, and so learns that its lease is over.
 * @throws the signal's reason
 */
export async function stillOurs(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}
