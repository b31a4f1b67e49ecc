export { BadOva } from './ova/errors.js';
export type {
  BeforeRetirement,
  DiskAccess,
  DiskReader,
  DiskTools,
  InventoryWatcher,
  NbdkitAccess,
  SourceProvider,
} from './port.js';
export { readSecret, readWholeSecret, SecretMissing } from './secret.js';
export { closeSources, sourceProvider } from './registry.js';
export {
  type PrivilegeUse,
  type RoleKind,
  requiredPrivileges,
  roleFormats,
  roleKinds,
  roleText,
} from './vsphere/privileges/index.js';
export { vddkMisfit } from './vsphere/vddk-version.js';
