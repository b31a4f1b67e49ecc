import type { Resource, StepResult } from '@ledgerlift/contracts';
import type { StepHandler } from '@ledgerlift/worker';
import type { BeforeRetirement } from '@ledgerlift/providers';
import { SourceLeftOn, SourcePowerUnknown } from '../errors.js';
import { assertRoomBeforePowerOff } from './room.js';
import { sourceOf } from './source.js';
import { workplaceOf } from './target.js';

/** For what needs no guest: to power a VM on, to change its configuration. */
const TIME_LIMIT_MS = 300_000;

/** Sees the source off: from now on its disks stand for one moment. */
export const sourcePowerOff: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'seeing the source powered off');
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

/** Gives the source back its power: its target does not run, and will not. */
export const sourcePowerOn: StepHandler = async (attempt) => {
  const { provider, spec, vm } = sourceOf(attempt);
  attempt.progress([], 'powering the source on again');
  const patience = { signal: attempt.signal, timeLimitMs: TIME_LIMIT_MS };
  return { step: 'SourcePowerOn', powerState: await provider.powerOn(spec, vm, patience) };
};

/** Undoes what the retirement did, before a rolled back source has power again. */
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

/** Migrations that began under an older version did not note which NICs were connected. */
function beforeRetirement(results: readonly StepResult[], given: readonly Resource[]): BeforeRetirement {
  const did = results.flatMap((result) => (result.step === 'SourceRetirement' ? result.did : []));
  const first = results.find((result) => result.step === 'Initialize');
  const lost = did.some((each) => each.startsWith('disconnected')) ? ('all' as const) : [];
  return {
    connectedNics: first?.connectedNics ?? lost,
    // Claimed before it was given: a worker may have been lost before it could report that.
    tag: given.length > 0 || did.some((each) => /^(tagged|marked) /.test(each)) ? 'ours' : 'there-before',
  };
}

const tagGiven = (tag = ''): Resource => ({
  kind: 'source-tag',
  name: tag,
  service: 'transfer',
  lifetime: 'evidence',
});

/** Sees that the source cannot come back beside its target, as the plan asks. */
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
