export { cacheFolder } from './cache-folder.js';
export * from './disks/index.js';
export { PeerFailed, PeerMissing } from './errors.js';
export * from './guest/index.js';
export * from './hostile-ovas/index.js';
export * from './nats/index.js';
export * from './ova/index.js';
export * from './processes/index.js';
export { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';
export * from './virt-v2v/index.js';
//# sourceMappingURL=index.d.ts.map