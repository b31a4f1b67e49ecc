import type { StepHandler } from '@ledgerlift/worker';
import { assertUnchanged, sourceOf } from './source.js';

/** Looks at the source once more, and stores how it was powered before anything is done to it. */
export const initialize: StepHandler = async (attempt) => {
  const source = sourceOf(attempt);
  attempt.progress([], `looking at ${source.vm.path}`);
  await assertUnchanged(source);
  const powerState = await source.provider.powerState(source.spec, source.vm);
  const { disconnectNics } = attempt.job.record.settings.retireSource;
  const nics = disconnectNics ? await source.provider.connectedNics?.(source.spec, source.vm) : undefined;
  return {
    step: 'Initialize',
    powerState,
    fingerprint: source.vm.fingerprint,
    ...(nics === undefined ? {} : { connectedNics: [...nics] }),
  };
};
