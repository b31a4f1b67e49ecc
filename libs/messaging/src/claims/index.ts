export * from './claim-port.js';
export * from './lease-table.js';
