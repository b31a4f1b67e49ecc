export * from './attempt.js';
export type { EnsurePod, PodWanted } from './pod-launcher.js';
export * from './service.js';
export * from './step-runner.js';
