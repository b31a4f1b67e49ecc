export * from './errors.js';
export * from './files/index.js';
export { claimName, claimNames } from './name-templates.js';
export * from './names.js';
export * from './vm-model/index.js';
export { checkNamesFree } from './conditions/names.js';
export { checkNetworks, checkPodNetwork } from './conditions/networks.js';
export { sharedConditionTypes } from './conditions/types.js';
export { checkStorages, modesAskedFor } from './conditions/storages.js';
export { guardOf } from './guard.js';
export { usualItinerary } from './itinerary.js';
export type * from './port.js';
export { overlayRoom } from './files/room.js';
export { recordedNics } from './recorded-nics.js';
export { inReleaseOrder } from './release-order.js';
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
export { sharedSite } from './sites.js';
export { snapshotName, snapshotPrefix } from './snapshot-name.js';
