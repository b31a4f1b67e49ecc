import type { ConditionCatalogue, ProviderSpec } from '@ledgerlift/contracts';
import { sharedConditionTypes } from './conditions/types.js';
import { directoryTarget } from './directory/index.js';
import type { Target, TargetType } from './port.js';

/** Every target there is. A new one is a folder and a line here. */
const targets: Readonly<Record<TargetType, Target>> = {
  directory: directoryTarget,
};

export const targetOf = (type: TargetType): Target => targets[type];

export type TargetSpec = Extract<ProviderSpec, { type: TargetType }>;

/** Whether a provider is a target, and not a source. */
export const isTarget = (spec: ProviderSpec): spec is TargetSpec => Object.hasOwn(targets, spec.type);

/** Every condition that a target raises. */
export const targetConditionTypes: ConditionCatalogue = Object.assign(
  {},
  sharedConditionTypes,
  ...Object.values(targets).map(({ conditionTypes }) => conditionTypes),
);
