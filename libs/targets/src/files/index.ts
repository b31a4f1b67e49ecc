/** What targets share whose disks are files of the machine that works on them. */
export { claimsFor } from './claims.js';
export { freeBytes } from './disks.js';
export * from './errors.js';
export { layoutFor, layoutOf, type DiskLayout, type VmLayout } from './layout.js';
export { tailOf } from './log-tail.js';
export { type QemuImgRun, imageError, makeEmpty, qemuImg } from './qemu-img.js';
export { resolveInside } from './safe-path.js';
export { holderOfDisks, type VmFiles, type WorkOnFiles, workOnFiles } from './vm-files.js';
