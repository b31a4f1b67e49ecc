export { BadOva } from './ova/errors.js';
export type { DiskAccess, SourceProvider } from './port.js';
export { sourceProvider } from './registry.js';
