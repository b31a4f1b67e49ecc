export * from './catalog.js';
export * from './error.js';
export * from './migration.js';
export * from './operations.js';
export * from './request.js';
