/** Users' definitions: providers, mappings, plans and limits, as the API takes them and the log stores them. */
export * from './definitions/machine.js';
export * from './definitions/mapping.js';
export * from './definitions/plan.js';
export {
  AdoptedDisks,
  PlanVm,
  Selector,
  TargetPowerState,
  VmCriteria,
  vmChoices,
} from './definitions/plan-vm.js';
export * from './definitions/provider.js';
export * from './definitions/schedule.js';
export { isLabelKey, isLabelValue } from './definitions/scheduling.js';
