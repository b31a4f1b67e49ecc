export * from './errors.js';
export * from './files/index.js';
export * from './names.js';
export * from './vm-model/index.js';
export {
  checkNamesFree,
  checkNetworks,
  checkPodNetwork,
  sharedConditionTypes,
  checkStorages,
  modesAskedFor,
} from './conditions.js';
export { guardOf, inReleaseOrder } from './workplace.js';
export { usualItinerary, sharedSite } from './itinerary.js';
export type * from './port.js';
export { overlayRoom } from './files/overlays.js';
export { recordedNics } from './plan.js';
export {
  type TargetSpec,
  closeTargets,
  extensionTarget,
  isTarget,
  registerTarget,
  targetConditionTypes,
  targetOf,
  targetRoles,
  whereOf,
} from './registry.js';
