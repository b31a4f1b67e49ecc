export { CatalogCommands } from './catalog-commands.js';
export { CatalogProjection } from './catalog-projection.js';
export type { Entry } from './entry.js';
export * from './errors.js';
export { Turns } from './turns.js';
