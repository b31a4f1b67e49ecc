export { type VddkPlugin, vddkPlugin } from './installed.js';
export type { StartOptions as VsphereOptions } from './options.js';
export { startVsphere, type Vsphere } from './vsphere.js';
export type {
  VimJson,
  VsphereChange,
  VsphereDisk,
  VsphereDiskSpec,
  VsphereEffect,
  VsphereFault,
  VsphereSnapshot,
  VsphereTools,
  VsphereUser,
  VsphereVm,
  VsphereVmSpec,
  VsphereWriter,
} from './wire.js';
