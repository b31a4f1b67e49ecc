import type { Job, StepName, StepResult } from '@ledgerlift/contracts';
import { targetVm, type TargetVm } from '@ledgerlift/targets';
import { ResultMissing } from '../errors.js';

/** The result of a step that is completed; undefined where it has none. */
export function resultOf<S extends StepName>(
  job: Job,
  step: S,
): Extract<StepResult, { step: S }> | undefined {
  return job.results.findLast((result): result is Extract<StepResult, { step: S }> => result.step === step);
}

/**
 * The target VM as the steps so far leave it.
 * @throws ResultMissing where the guest was to be converted and nothing says what came of it
 */
export function targetVmOf(job: Job): TargetVm {
  const conversion = resultOf(job, 'ImageConversion');
  if (conversion === undefined && !job.record.settings.skipGuestConversion)
    throw new ResultMissing('ImageConversion');
  return targetVm(job.record, {
    inspection: conversion?.inspection,
    capabilities: conversion?.capabilities,
    sourcePowerState: resultOf(job, 'Initialize')?.powerState,
  });
}
