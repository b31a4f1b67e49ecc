export * from './claims.js';
export * from './itinerary.js';
export * from './layout.js';
