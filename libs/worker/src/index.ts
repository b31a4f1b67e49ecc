export * from './attempt.js';
export * from './service.js';
export * from './step-runner.js';
export * from './stop-reason.js';
