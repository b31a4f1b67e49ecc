export type { ConcernMeaning, SourcePlanFacts, ToolAtSite, ToolsAtSite } from './plan-facts.js';
export type {
  BeforeRetirement,
  DiskAccess,
  DiskReader,
  InventoryWatcher,
  NbdkitAccess,
  SourceProvider,
} from './port.js';
export {
  closeSources,
  diskVariables,
  lookForDiskTools,
  meaningOfConcern,
  sourceConditionTypes,
  sourceProvider,
  sourceProviders,
} from './registry.js';
export type { DiskTool, DiskTools, SourceRequirements, ToolMissing, ToolReport } from './requirements.js';
export type { RoleRequest, SourceRole } from './role.js';
export { readSecret, readWholeSecret, SecretMissing } from './secret.js';
