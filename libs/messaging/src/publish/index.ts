export * from './cloud-event.js';
export * from './publisher.js';
