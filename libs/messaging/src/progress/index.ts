export * from './progress-bucket.js';
