import { sourceProvider } from '@ledgerlift/providers';
import { NoSourceProvider } from '../errors.js';
import type { SourcePowerOf } from './final-power-actions.js';

/** Asks the source itself: what was recorded at the start may have changed since. */
export const sourcePowerOf: SourcePowerOf = async ({ record }) => {
  const { spec } = record.source.provider;
  const provider = sourceProvider(spec.type);
  if (provider === undefined) throw new NoSourceProvider(spec.name, spec.type);
  return provider.powerState(spec, record.source.vm);
};
