export {
  type ExtensionProvider,
  closeSources,
  diskVariables,
  extensionProvider,
  loadedProvider,
  expectedDiskTools,
  lookForDiskTools,
  meaningOfConcern,
  registerProvider,
  sourceConditionTypes,
  sourceProvider,
  sourceProviders,
} from './registry.js';
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
export type {
  DiskTool,
  DiskTools,
  SourceRequirements,
  ToolMissing,
  ToolReport,
  RoleRequest,
  SourceRole,
} from './requirements.js';
export { readSecret, readWholeSecret, SecretMissing } from '@ledgerlift/secrets';
export { askUntil } from './waiting.js';
