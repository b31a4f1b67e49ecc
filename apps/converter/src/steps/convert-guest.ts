import type { Condition, Inspection, StepResult } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/worker';
import { type Purpose, sourceDomainXml } from '@ledgerlift/targets';
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
import { grubDisk } from './grub-disk.js';
import { takeOver, type Workplace, workplaceOf } from './workplace.js';

/** What a conversion left: in the overlays, and known of the guest. */
export type ConvertedGuest = Omit<Extract<StepResult, { step: 'ImageConversion' }>, 'step'>;

/**
 * The place of a conversion, claimed, and held by nobody any more.
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

/** Nothing works on the disks any more, so the record of who does goes. @throws the signal's reason */
export async function leaveWorkplace(attempt: Attempt, place: Workplace): Promise<void> {
  const { resource } = place.holder;
  await attempt.released([{ resource, how: await place.target.release(resource) }]);
}

/**
 * Makes empty overlays over all disks of the VM and converts the guest in them; no base is written. When this returns,
 * the overlays are flushed and sound; when it throws, nothing of it runs any more.
 *
 * @throws NoRoomForOverlays, ImageToolFailed, OverlayDamaged, the signal's reason and what virt-v2v's failure means
 */
export async function convertInOverlays(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
): Promise<ConvertedGuest> {
  // An attempt whose success is in the log is never followed by another: what there is belongs to one that did not end well.
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

/** virt-v2v 2.2 does not say which disk boots: the one with GRUB, else the root's, else the first. */
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
