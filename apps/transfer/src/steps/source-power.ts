import type { Resource, StepResult } from '@ledgerlift/contracts';
import type { StepHandler } from '@ledgerlift/worker';
import type { BeforeRetirement } from '@ledgerlift/providers';
import { SourceLeftOn, SourcePowerUnknown } from '../errors.js';
import { assertRoomBeforePowerOff } from './disk-allocation.js';
import { sourceOf, workplaceOf } from './source.js';

/** For operations without the guest: powering on, changing the configuration. */
const TIME_LIMIT_MS = 300_000;

/** Powers the source off, so that its disks represent one moment from now on. */
export const sourcePowerOff: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'powering the source off');
  if (attempt.job.powerOff === 'only-if-off') {
    const powerState = await provider.powerState(spec, vm);
    if (powerState === 'unknown') throw new SourcePowerUnknown(vm.name);
    if (powerState !== 'off') throw new SourceLeftOn(vm.name, powerState);
  }
  await using place = await workplaceOf(attempt);
  await assertRoomBeforePowerOff(attempt.job, place);
  const { shutdown } = attempt.job.record.settings;
  return { step: 'SourcePowerOff', ...(await provider.powerOff(spec, vm, shutdown, attempt.signal)) };
};

/** Powers the source on again. Only for a VM whose target does not and will not run. */
export const sourcePowerOn: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'powering the source on again');
  const patience = { signal: attempt.signal, timeLimitMs: TIME_LIMIT_MS };
  return { step: 'SourcePowerOn', powerState: await provider.powerOn(spec, vm, patience) };
};

/** Undoes the retirement, before a rolled back source is powered on. */
export const sourceRestoration: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  const { record, results, ledger } = attempt.job;
  const given = ledger.filter(({ kind }) => kind === 'source-tag');
  attempt.progress([], 'undoing the retirement of the source');
  const patience = { signal: attempt.signal, timeLimitMs: TIME_LIMIT_MS };
  const did = await provider.restore?.(
    spec,
    vm,
    record.settings.retireSource,
    beforeRetirement(results, given),
    patience,
  );
  await attempt.released(given.map((resource) => ({ resource, how: 'removed' })));
  return { step: 'SourceRestoration', did: [...(did ?? [])] };
};

/** Migrations from older versions did not record which NICs were connected. */
function beforeRetirement(results: readonly StepResult[], given: readonly Resource[]): BeforeRetirement {
  const did = results.flatMap((result) => (result.step === 'SourceRetirement' ? result.did : []));
  const first = results.find((result) => result.step === 'Initialize');
  const lost = did.some((each) => each.startsWith('disconnected')) ? ('all' as const) : [];
  return {
    connectedNics: first?.connectedNics ?? lost,
    // The tag is claimed before it is attached, because the worker may die before it can report.
    tag: given.length > 0 || did.some((each) => /^(tagged|marked) /.test(each)) ? 'ours' : 'there-before',
  };
}

const tagGiven = (tag = ''): Resource => ({
  kind: 'source-tag',
  name: tag,
  service: 'transfer',
  lifetime: 'evidence',
});

/** Retires the source as the plan says, so that it cannot run at the same time as its target. */
export const sourceRetirement: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'retiring the source');
  const patience = { signal: attempt.signal, timeLimitMs: TIME_LIMIT_MS };
  const { retireSource } = attempt.job.record.settings;
  const did = await provider.retire?.(spec, vm, retireSource, patience, () =>
    attempt.claim([tagGiven(retireSource.tag)]),
  );
  return { step: 'SourceRetirement', did: [...(did ?? [])] };
};
