export * from './api/index.js';
export * from './bus.js';
export * from './conditions.js';
export * from './errors.js';
export * from './events.js';
export { upcast } from './events/upcast.js';
export * from './inventory.js';
export * from './specs.js';
export * from './steps.js';
