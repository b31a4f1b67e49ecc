export {
  type CatalogEntries,
  CatalogProjection,
  type Entry,
  type EntryState,
  type MappingCommand,
  type PlanCommand,
  type ProviderCommand,
  decideMapping,
  decidePlan,
  decideProvider,
  evolveMapping,
  evolvePlan,
  evolveProvider,
  existing,
} from './catalog/index.js';
export * from './catalog/errors.js';
export { reasonOf } from './in-words.js';
export {
  InventoryService,
  NoSuchPath,
  type SourceAccess,
  foundVm,
  providerSourceAccess,
  searched,
  treeOf,
} from './inventory/index.js';
export {
  BytesToRead,
  type ExtentsAccess,
  Measurements,
  Rehearser,
  type ScheduledVm,
} from './rehearsal/index.js';
export { BadCsv, finder, importVms, writeVms } from './selection/index.js';
export {
  CatalogPlanExaminer,
  type Examination,
  type JudgedSelection,
  type Outline,
  type PlanExaminer,
  type ResolvedPlan,
  type RetriedVm,
  type SiteWorkers,
  type WorkerAccess,
  conditionsPage,
  judgeSelection,
} from './validation/index.js';
