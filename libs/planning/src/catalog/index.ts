export { type CatalogEntries, CatalogProjection } from './catalog-projection.js';
export { type Entry, type EntryState, existing } from './entry.js';
export * from './errors.js';
export { type MappingCommand, decideMapping, evolveMapping } from './mapping.js';
export { type PlanCommand, decidePlan, evolvePlan } from './plan.js';
export { type ProviderCommand, decideProvider, evolveProvider } from './provider.js';
