export * from './catalog.js';
export * from './error.js';
export * from './inventory.js';
export * from './migration.js';
export * from './operations.js';
export * from './rehearsal.js';
export * from './rendering.js';
export * from './selection.js';
