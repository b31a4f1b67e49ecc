export * from './backlog.js';
export * from './ensure.js';
export * from './topology.js';
