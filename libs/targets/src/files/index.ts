/** Shared by targets whose disks are local files of the worker. */
export { claimsFor } from './claims.js';
export { freeBytes } from './disks.js';
export * from './errors.js';
export { filesOfResource, layoutFor, layoutOf, type DiskLayout, type VmLayout } from './layout.js';
export {
  emptyFolder,
  filesBelow,
  holderOfDisks,
  tailOf,
  type VmFiles,
  type WorkOnFiles,
  workOnFiles,
} from './vm-files.js';
export { type QemuImgRun, imageError, makeEmpty, qemuImg } from './images.js';
