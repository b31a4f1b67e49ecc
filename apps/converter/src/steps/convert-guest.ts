import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Condition, Inspection, StepResult } from '@ledgerlift/contracts';
import { imageError, makeEmpty, type Purpose, qemuImg, sourceDomainXml } from '@ledgerlift/targets';
import type { Attempt } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import { luksKeysOf } from '../luks/index.js';
import { addressArguments, keepNetwork } from '../network/index.js';
import {
  diskIndexOf,
  type Findings,
  inPlace,
  percentAfter,
  runVirtV2v,
  type V2vMessage,
} from '../virt-v2v/index.js';
import { ConversionConditions } from './conditions.js';
import { takeOver, type Workplace, workplaceOf } from './workplace.js';

/** The result of a conversion: the overlays, and the findings about the guest. */
export type ConvertedGuest = Omit<Extract<StepResult, { step: 'ImageConversion' }>, 'step'>;

/**
 * Opens and claims a conversion's workplace, and ends its earlier holders.
 * @throws NotOurs, HeldElsewhere, HolderUnreadable, LeftoverAlive, DisksHeld, the signal's reason
 */
export async function enterWorkplace(
  attempt: Attempt,
  settings: ConverterSettings,
  purpose: Purpose,
): Promise<Workplace> {
  await using entered = new AsyncDisposableStack();
  const place = entered.use(await workplaceOf(attempt, settings.scratch, purpose));
  await place.target.seeOurs();
  await attempt.claim(place.at.claims);
  await takeOver(place);
  await place.stillOurs();
  entered.move();
  return place;
}

/** Removes the record of the disks' holder, after its processes have ended. @throws the signal's reason */
export async function leaveWorkplace(attempt: Attempt, place: Workplace): Promise<void> {
  const { resource } = place.holder;
  await attempt.released([{ resource, how: await place.target.release(resource) }]);
}

/**
 * Creates empty overlays over all disks of the VM and converts the guest in them; bases are never written. When this
 * returns, the overlays are flushed and intact; when it throws, all its processes have ended.
 *
 * @throws NoRoomForOverlays, ImageToolFailed, OverlayDamaged, the signal's reason, ConversionFailed
 */
export async function convertInOverlays(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
): Promise<ConvertedGuest> {
  // No attempt follows a logged success, so existing overlays belong to a failed attempt.
  await place.at.make();
  return convert(attempt, place, settings);
}

async function convert(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
): Promise<ConvertedGuest> {
  const { record } = attempt.job;
  const { rootDisk } = record.settings;
  const { name } = place.at.log;
  const log = { name, path: await place.at.log.path() };
  const conditions = new ConversionConditions(name);
  const raised: Promise<void>[] = [];
  let percent = 0;
  let warnings: Promise<void> = Promise.resolve();
  const onMessage = (message: V2vMessage): void => {
    percent = percentAfter(message, percent);
    attempt.progress([{ name: 'virt-v2v', done: percent, total: 100, unit: 'percent' }], message.message);
    if (message.type !== 'warning') return;
    const condition = conditions.warning(message.message);
    warnings = warnings.then(() => attempt.raise(condition));
    raised.push(warnings);
  };
  const keys = await luksKeysOf(record);
  let findings: Findings;
  try {
    findings = await runVirtV2v({
      settings,
      tool: inPlace(settings),
      domainXml: sourceDomainXml(
        record,
        place.overlays.map(({ path }) => path),
      ),
      root: rootDisk ?? 'first',
      keys,
      more: addressArguments(record),
      record: place.holder.path,
      scratch: place.scratch,
      owner: place.holder.owner,
      signal: attempt.signal,
      log,
      title: `${new Date().toISOString()} attempt ${attempt.ref.attempt} of ${attempt.ref.stream}`,
      onMessage,
    });
  } finally {
    await Promise.allSettled(raised);
  }
  const network = await keepNetwork({
    attempt,
    place,
    settings,
    keys,
    log,
    family: findings.inspection.family,
  });
  await place.at.flush();
  await place.at.check();
  const inspection = await completed(findings, place, attempt.signal);
  const { capabilities } = findings;
  const found: Condition[] = [
    ...network,
    ...conditions.drivers(capabilities),
    ...conditions.root(rootDisk, inspection.rootDevice),
    ...conditions.firmware(record.source.vm.firmware, inspection.firmware),
  ];
  for (const condition of found) await attempt.raise(condition);
  attempt.progress([{ name: 'virt-v2v', done: 100, total: 100, unit: 'percent' }], 'The guest is converted');
  return { inspection, capabilities, overlays: place.overlays.map(({ name: each }) => each), log: name };
}

/** virt-v2v 2.2 does not report the boot disk: take the one with GRUB, else the root's, else the first. */
async function completed(
  { inspection }: Findings,
  place: Workplace,
  signal: AbortSignal,
): Promise<Inspection> {
  const { bootDisk, ...known } = inspection;
  if (bootDisk !== undefined) return { ...known, bootDisk };
  const grub = known.firmware === 'bios' ? await grubDisk(place, signal) : undefined;
  const index = grub ?? diskIndexOf(known.rootDevice) ?? 0;
  return { ...known, bootDisk: index < place.overlays.length ? index : 0 };
}

/**
 * Index of the first disk with GRUB in its boot sector, the criterion of newer versions of virt-v2v (convert.ml,
 * has_grub_signature). Undefined if none has it.
 *
 * @throws DisksHeld, ImageToolFailed, the signal's reason
 */
export async function grubDisk(
  { overlays, scratch }: Pick<Workplace, 'overlays' | 'scratch'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  await mkdir(scratch, { recursive: true });
  try {
    for (const [index, { path, base }] of overlays.entries()) {
      const copy = join(scratch, `boot-sector-${index}`);
      const sector = ['bs=512', 'count=1', `if=${path}`, `of=${copy}`];
      await makeEmpty(copy);
      const run = { read: [path, base], write: [copy], signal, failed: imageError(path, 'dd') };
      await qemuImg(run, 'dd', '-f', 'qcow2', '-O', 'raw', ...sector);
      if ((await readFile(copy, 'latin1')).includes('GRUB')) return index;
    }
    return undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
