import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Condition, Inspection, StepResult } from '@ledgerlift/contracts';
import type { Attempt, StepHandler } from '@ledgerlift/worker';
import { NoRoomForOverlays, overlayRoom, sourceDomainXml } from '@ledgerlift/targets';
import type { ConverterSettings } from '../config.js';
import { ConversionFailed, SnapshotUnreadable } from '../errors.js';
import { luksKeysOf } from '../luks/index.js';
import {
  diskIndexOf,
  type Findings,
  inspector,
  percentAfter,
  runVirtV2v,
  type V2vMessage,
} from '../virt-v2v/index.js';
import { enterWorkplace, leaveWorkplace } from './convert-guest.js';
import { type OfferedDisk, overlaySnapshot, snapshotDisks } from './snapshot-disks.js';
import type { Workplace } from './workplace.js';

type Result = Extract<StepResult, { step: 'PreflightInspection' }>;

/**
 * Tests on the source's snapshot whether the guest can be converted, before days of copying. Runs virt-v2v-inspector,
 * which converts in overlays and discards them. Runs once in a migration.
 *
 * A guest that cannot be converted fails the step permanently. Problems that may only be due to the running guest
 * (mounted file systems) become a condition; the conversion will show.
 */
export function preflightInspection(settings: ConverterSettings): StepHandler {
  return async (attempt) => {
    const known = attempt.job.results.findLast(
      (result): result is Result => result.step === 'PreflightInspection',
    );
    // After a failed copy another snapshot is taken; the finding applies to it too.
    if (known !== undefined) return known;
    await using place = await enterWorkplace(attempt, settings, 'inspection');
    const inspection = await inspect(attempt, place, settings);
    await leaveWorkplace(attempt, place);
    const found = inspection === undefined ? {} : { inspection };
    return { step: 'PreflightInspection', log: place.at.log.name, ...found };
  };
}

async function inspect(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
): Promise<Inspection | undefined> {
  const offered = await snapshotDisks(attempt, settings);
  try {
    return await inspectOver(attempt, place, settings, offered.disks);
  } finally {
    await offered.close();
  }
}

async function inspectOver(
  attempt: Attempt,
  place: Workplace,
  settings: ConverterSettings,
  disks: readonly OfferedDisk[],
): Promise<Inspection | undefined> {
  const { record } = attempt.job;
  await checkRoom(attempt, settings);
  const paths = disks.map((_, index) => join(place.scratch, `disk-${index}.qcow2`));
  let percent = 0;
  const onMessage = (message: V2vMessage): void => {
    percent = percentAfter(message, percent);
    attempt.progress([{ name: 'inspection', done: percent, total: 100, unit: 'percent' }], message.message);
  };
  try {
    const findings = await runVirtV2v({
      settings,
      tool: inspector(settings),
      domainXml: sourceDomainXml(record, paths),
      root: record.settings.rootDisk ?? 'first',
      keys: await luksKeysOf(record),
      prepare: () => overlaySnapshot(attempt, disks, paths),
      record: place.holder.path,
      scratch: place.scratch,
      owner: place.holder.owner,
      signal: attempt.signal,
      log: { name: place.at.log.name, path: await place.at.log.path() },
      title: `${new Date().toISOString()} attempt ${attempt.ref.attempt} of ${attempt.ref.stream}`,
      onMessage,
    });
    return inspectionOf(findings, paths.length);
  } catch (error) {
    await judge(attempt, settings, error);
    return undefined;
  }
}

/** Failures that a running guest may cause, but not one that was shut down: damaged or mounted file systems. */
const OF_RUNNING: readonly string[] = ['LL-CONV-014', 'LL-CONV-015'];

/**
 * Decides whether a failure is the guest's fault, or may only be due to its running.
 * @throws the error if it is the guest's fault, or transient; SnapshotUnreadable if the source failed
 */
async function judge(attempt: Attempt, settings: ConverterSettings, error: unknown): Promise<void> {
  if (!(error instanceof ConversionFailed) || error.failure !== 'permanent') throw error;
  const { name } = attempt.job.record.source.vm;
  // To virt-v2v, failed reads look like a damaged guest.
  if (/Input\/output error/.test(error.message)) throw new SnapshotUnreadable(name, error.message, error);
  await (await snapshotDisks(attempt, settings)).close();
  if (!OF_RUNNING.includes(error.code)) throw error;
  await attempt.raise(inconclusive(error));
}

const inconclusive = ({ code, message }: ConversionFailed): Condition => ({
  type: 'InspectionInconclusive',
  category: 'Warn',
  reason: code,
  message:
    `the inspection failed because the guest is running, so only the cutover or a test boot can show whether it can be ` +
    `converted: ${message}`,
  items: [],
  durable: true,
});

function inspectionOf({ inspection: { bootDisk, ...known } }: Findings, disks: number): Inspection {
  const index = bootDisk ?? diskIndexOf(known.rootDevice) ?? 0;
  return { ...known, bootDisk: index < disks ? index : 0 };
}

/** The tool writes its overlays on this machine. @throws NoRoomForOverlays */
async function checkRoom({ job: { record } }: Attempt, { scratch }: ConverterSettings): Promise<void> {
  const needed = overlayRoom(record.source.vm.disks.map(({ capacityBytes }) => ({ size: capacityBytes })));
  await mkdir(scratch, { recursive: true });
  const { bavail, bsize } = await statfs(scratch);
  const free = bavail * bsize;
  if (free < needed) throw new NoRoomForOverlays(scratch, needed, free);
}
