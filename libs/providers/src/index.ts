export {
  ExtensionNotLoaded,
  type ExtensionProvider,
  ExtensionSettingsNotValid,
  settingsOf,
} from './extension.js';
export { BadOva } from './ova/errors.js';
export type {
  BeforeRetirement,
  DiskAccess,
  DiskReader,
  DiskTools,
  InventoryWatcher,
  NbdkitAccess,
  Patience,
  PoweredOff,
  SourceProvider,
  SourceSnapshots,
} from './port.js';
export { readSecret, readWholeSecret, SecretMissing } from './secret.js';
export { assertTaken, closeSources, loadedProvider, registerProvider, sourceProvider } from './registry.js';
export {
  type PrivilegeUse,
  type RoleKind,
  requiredPrivileges,
  roleFormats,
  roleKinds,
  roleText,
} from './vsphere/privileges/index.js';
export { vddkMisfit } from './vsphere/vddk-version.js';
export { askUntil } from './waiting.js';
