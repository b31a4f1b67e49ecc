import type { StepHandler } from '@ledgerlift/messaging';
import { sourceOf } from './source.js';

/** For what needs no guest: to power a VM on, to change its configuration. */
const TIME_LIMIT_MS = 300_000;

/** Sees the source off: from now on its disks stand for one moment. */
export const sourcePowerOff: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'seeing the source powered off');
  const { shutdown } = attempt.job.record.settings;
  return { step: 'SourcePowerOff', ...(await provider.powerOff(spec, vm, shutdown, attempt.signal)) };
};

/** Gives the source back its power: its target has not started, and will not. */
export const sourcePowerOn: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'powering the source on again');
  const patience = { signal: attempt.signal, timeLimitMs: TIME_LIMIT_MS };
  return { step: 'SourcePowerOn', powerState: await provider.powerOn(spec, vm, patience) };
};

/** Sees that the source cannot come back beside its target, as the plan asks. */
export const sourceRetirement: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'retiring the source');
  const patience = { signal: attempt.signal, timeLimitMs: TIME_LIMIT_MS };
  const did = await provider.retire?.(spec, vm, attempt.job.record.settings.retireSource, patience);
  return { step: 'SourceRetirement', did: [...(did ?? [])] };
};
