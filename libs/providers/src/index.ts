export { BadOva } from './ova/errors.js';
export type { DiskAccess, DiskReader, DiskTools, NbdkitAccess, SourceProvider } from './port.js';
export { readSecret, SecretMissing } from './secret.js';
export { sourceProvider } from './registry.js';
