export * from './cpu.js';
export * from './source-domain.js';
