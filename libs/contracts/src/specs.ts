/** What users write: providers, mappings, plans and limits, as they come over the API and stand in the log. */
export * from './specs/hooks.js';
export * from './specs/mapping.js';
export * from './specs/plan.js';
export { BroughtDisks, PlanVm, TargetPowerState, vmChoices } from './specs/plan-vm.js';
export * from './specs/provider.js';
export * from './specs/schedule.js';
export { Selector, VmCriteria } from './specs/selection.js';
export * from './specs/warm.js';
export * from './specs/windows.js';
