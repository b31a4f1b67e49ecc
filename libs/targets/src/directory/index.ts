export { unfinished, writeFileAtomic } from './atomic-file.js';
export * from './claims.js';
export { allocatedSize, type DiskFile, ensureDisk, freeBytes, imageInfo } from './disks.js';
export { diskPathsOf, openSubfolderOf, openVmFolder, resolveOwned, type VmFolder } from './folder.js';
export * from './itinerary.js';
export * from './layout.js';
export { release } from './release.js';
