/** What users write: providers, mappings, plans and limits, as they come over the API and stand in the log. */
export * from './specs/hooks.js';
export { isLabelKey, isLabelValue } from './specs/kubernetes-names.js';
export * from './specs/machine.js';
export * from './specs/mapping.js';
export { type NameKind, namePlaceholders } from './specs/name-templates.js';
export * from './specs/plan.js';
export { BroughtDisks, PlanVm, TargetPowerState, vmChoices } from './specs/plan-vm.js';
export * from './specs/provider.js';
export * from './specs/schedule.js';
export { Selector, VmCriteria } from './specs/selection.js';
export * from './specs/warm.js';
export * from './specs/windows.js';
