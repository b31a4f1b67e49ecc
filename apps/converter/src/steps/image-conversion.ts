import type { Condition, Inspection, StepResult } from '@ledgerlift/contracts';
import type { Attempt, StepHandler } from '@ledgerlift/messaging';
import {
  claimsFor,
  freeBytes,
  imageInfo,
  openSubfolderOf,
  release,
  sourceDomainXml,
} from '@ledgerlift/targets';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ConverterSettings } from '../config.js';
import { NoRoomForOverlays } from '../errors.js';
import {
  checkOverlays,
  flushOverlays,
  grubDisk,
  makeOverlays,
  type Overlay,
  overlayRoom,
} from '../overlays/index.js';
import { diskIndexOf, type Findings, percentAfter, runVirtV2v, type V2vMessage } from '../virt-v2v/index.js';
import { ConversionConditions } from './conditions.js';
import { stillOurs, takeOver, type Workplace, workplaceOf } from './workplace.js';

/**
 * Converts the guest in overlays over all of its disks; no base is written. An attempt whose success is in the log is
 * never followed by another, so whatever overlays there are belong to one that did not end well, and are made anew.
 */
export function imageConversion(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    const { record } = attempt.job;
    const place = await workplaceOf(attempt, settings.scratch);
    await openSubfolderOf(record, place.log.name);
    await attempt.claim([...claimsFor(record).ImageConversion, place.holder.resource]);
    await takeOver(place);
    await stillOurs(attempt.signal);
    // A marker of an earlier conversion would let the commit of this one be skipped.
    await rm(place.commitMarker, { force: true });
    await Promise.all(place.overlays.map(({ path }) => rm(path, { force: true })));
    await checkRoom(place.overlays);
    await makeOverlays(place.overlays);
    const result = await convert(attempt, place, settings);
    await stillOurs(attempt.signal);
    const how = await release(record, place.holder.resource);
    await attempt.released([{ resource: place.holder.resource, how }]);
    return result;
  };
}

async function convert(attempt: Attempt, place: Workplace, settings: ConverterSettings): Promise<StepResult> {
  const { record } = attempt.job;
  const { rootDisk } = record.settings;
  const conditions = new ConversionConditions(place.log.name);
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
  let findings: Findings;
  try {
    findings = await runVirtV2v({
      settings,
      domainXml: sourceDomainXml(
        record,
        place.overlays.map(({ path }) => path),
      ),
      root: rootDisk ?? 'first',
      record: place.holder.path,
      scratch: place.scratch,
      owner: place.holder.owner,
      signal: attempt.signal,
      log: place.log,
      title: `${new Date().toISOString()} attempt ${attempt.ref.attempt} of ${attempt.ref.stream}`,
      onMessage,
    });
  } finally {
    await Promise.allSettled(raised);
  }
  await flushOverlays(place.overlays);
  await checkOverlays(place.overlays);
  const inspection = await completed(findings, place);
  const { capabilities } = findings;
  const found: Condition[] = [
    ...conditions.drivers(capabilities),
    ...conditions.root(rootDisk, inspection.rootDevice),
    ...conditions.firmware(record.source.vm.firmware, inspection.firmware),
  ];
  for (const condition of found) await attempt.raise(condition);
  attempt.progress([{ name: 'virt-v2v', done: 100, total: 100, unit: 'percent' }], 'The guest is converted');
  return {
    step: 'ImageConversion',
    inspection,
    capabilities,
    overlays: [...place.overlayNames],
    log: place.log.name,
  };
}

/** virt-v2v 2.2 does not say which disk boots: the one with GRUB, else the root's, else the first. */
async function completed({ inspection }: Findings, place: Workplace): Promise<Inspection> {
  const { bootDisk, ...known } = inspection;
  if (bootDisk !== undefined) return { ...known, bootDisk };
  await mkdir(place.scratch, { recursive: true });
  try {
    const grub = known.firmware === 'bios' ? await grubDisk(place.overlays, place.scratch) : undefined;
    const index = grub ?? diskIndexOf(known.rootDevice) ?? 0;
    return { ...known, bootDisk: index < place.overlays.length ? index : 0 };
  } finally {
    await rm(place.scratch, { recursive: true, force: true });
  }
}

async function checkRoom(overlays: readonly Overlay[]): Promise<void> {
  const [first] = overlays;
  if (first === undefined) return;
  const needed = overlayRoom(await Promise.all(overlays.map(({ base }) => imageInfo(base))));
  const path = dirname(first.path);
  const free = await freeBytes(path);
  if (free < needed) throw new NoRoomForOverlays(path, needed, free);
}
