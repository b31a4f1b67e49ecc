export * from './requester.js';
