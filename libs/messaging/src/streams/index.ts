export * from './ensure.js';
export * from './topology.js';
