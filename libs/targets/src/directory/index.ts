import type { Target } from '../port.js';
import { checkFolder, checkNames, checkRoom } from './check.js';
import { claimsFor } from './claims.js';
import { itineraryFor } from './itinerary.js';
import { checkNetworks, checkStorages } from './mapping-checks.js';
import { release } from './release.js';

export { writeFileAtomic } from './atomic-file.js';
export { type BroughtRequest, type BroughtVm, type DiskUser, findBroughtDisks } from './brought.js';
export { claimsFor, inReleaseOrder, needsUnpacking } from './claims.js';
export { allocatedSize } from './disk-size.js';
export { type DiskFile, ensureDisk, freeBytes, growDisk, imageInfo } from './disks.js';
export { imageHeader } from './image-header.js';
export { diskPathsOf, openSubfolderOf, openVmFolder, resolveOwned, type VmFolder } from './folder.js';
export { itineraryFor, sharedSite } from './itinerary.js';
export * from './layout.js';
export { release, sweepDrafts } from './release.js';
export { overlayRoom, roomBeside, roomNeeded } from './room.js';

/** Disk files, manifests and a libvirt domain in a folder: needs no cluster. */
export const directoryTarget: Target = {
  type: 'directory',
  check: checkFolder,
  checkRoom,
  checkNames,
  checkNetworks,
  checkStorages,
  itineraryFor,
  claimsFor,
  release,
};
