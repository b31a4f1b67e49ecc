export { resolvePlan } from '../validation/resolve-plan.js';
export { factsWith, vm, vmNamed } from '../validation/spec/facts.js';
export { attemptState, targetLetGo } from './attempt-state.js';
export { type VmAsNeeded, vmInPhase } from './vm-in-phase.js';
export { inventoryOf, networkSpec, planSpec, sourceSpec, storageSpec, webVm } from './fixtures.js';
