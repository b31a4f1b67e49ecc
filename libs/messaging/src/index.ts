export * from './bus-logger.js';
export * from './errors.js';
export * from './progress/index.js';
export * from './publish/index.js';
export * from './rpc/index.js';
export * from './streams/index.js';
export * from './transport/index.js';
