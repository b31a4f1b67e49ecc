import type { GuestCapabilities, Inspection, Job, StepName, StepResult } from '@ledgerlift/contracts';
import { targetVm, type TargetVm } from '@ledgerlift/targets';
import { ResultMissing } from '../errors.js';

type ResultOf<S extends StepName> = Extract<StepResult, { step: S }>;

/** The latest result of a step; undefined if it has none. */
export function resultOf<S extends StepName>(job: Job, step: S): ResultOf<S> | undefined {
  return job.results.findLast((result): result is ResultOf<S> => result.step === step);
}

/**
 * Name of the snapshot that the disks represent: the one that the last complete round read.
 * @throws ResultMissing
 */
export function momentOf({ results }: Job): string {
  const pass = results.findLastIndex(({ step }) => step === 'DiskTransfer');
  if (pass < 0) throw new ResultMissing('DiskTransfer');
  const snapshot = results
    .slice(0, pass)
    .findLast((result): result is ResultOf<'SnapshotCreation'> => result.step === 'SnapshotCreation');
  if (snapshot === undefined) throw new ResultMissing('SnapshotCreation');
  return snapshot.snapshot.name;
}

/**
 * The target VM according to the completed steps.
 * @throws ResultMissing if the guest should be converted, but the log has no result
 */
export const targetVmOf = (job: Job): TargetVm => vmAfter(job, 'ImageConversion');

/** The target VM according to the test conversion. @throws ResultMissing */
export const testVmOf = (job: Job): TargetVm => vmAfter(job, 'TestConversion');

/** Findings of a conversion; empty without guest conversion. */
interface Conversion {
  readonly step: StepName;
  readonly inspection?: Inspection | undefined;
  readonly capabilities?: GuestCapabilities | undefined;
}

function vmAfter(job: Job, step: 'ImageConversion' | 'TestConversion'): TargetVm {
  const conversion: Conversion | undefined = resultOf(job, step);
  if (conversion?.capabilities === undefined && !job.record.settings.skipGuestConversion)
    throw new ResultMissing(step);
  return targetVm(job.record, {
    inspection: conversion?.inspection,
    capabilities: conversion?.capabilities,
    sourcePowerState: resultOf(job, 'Initialize')?.powerState,
    diskSizes: new Map(resultOf(job, 'DiskTransfer')?.disks.map(({ diskId, size }) => [diskId, size])),
  });
}
