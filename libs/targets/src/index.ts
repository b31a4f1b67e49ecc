export * from './directory/index.js';
export * from './errors.js';
export * from './names.js';
export * from './vm-model/index.js';
export type * from './port.js';
export { snapshotName, snapshotPrefix } from './snapshot-name.js';
export { targetOf } from './registry.js';
