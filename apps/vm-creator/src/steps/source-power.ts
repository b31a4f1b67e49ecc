import type { SourcePowerOf } from './final-power-actions.js';

/** An export is a file: there is no machine that could run, whatever its description says. */
export const sourcePowerOf: SourcePowerOf = async ({ record }) => {
  const { type } = record.source.provider.spec;
  return Promise.resolve(type === 'ova' ? 'off' : record.source.vm.powerState);
};
