export * from './config.js';
export * from './errors.js';
export * from './health.js';
export * from './logger.js';
export * from './nats.js';
export * from './shutdown.js';
