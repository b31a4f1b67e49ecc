export * from './backlog.js';
export * from './ensure.js';
export * from './pod-permissions.js';
export * from './topology.js';
