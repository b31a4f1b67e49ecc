export type { ExtensionProvider } from './extension.js';
export type { ConcernMeaning, SourcePlanFacts, ToolAtSite, ToolsAtSite } from './plan-facts.js';
export type {
  BeforeRetirement,
  DiskAccess,
  DiskReader,
  InventoryWatcher,
  NbdkitAccess,
  Patience,
  PoweredOff,
  SourceProvider,
  SourceSnapshots,
} from './port.js';
export {
  closeSources,
  diskVariables,
  extensionProvider,
  loadedProvider,
  lookForDiskTools,
  meaningOfConcern,
  registerProvider,
  sourceConditionTypes,
  sourceProvider,
  sourceProviders,
} from './registry.js';
export type { DiskTool, DiskTools, SourceRequirements, ToolMissing, ToolReport } from './requirements.js';
export type { RoleRequest, SourceRole } from './role.js';
export { readSecret, readWholeSecret, SecretMissing } from '@ledgerlift/secrets';
export { askUntil } from './waiting.js';
