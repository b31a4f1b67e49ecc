export { eventLogContract } from './contract-suite.js';
export { type KillableLog, eventLogKillContract } from './kill-contract.js';
export { type KurrentServer, startKurrent } from './kurrent-server.js';
export type { LogUnderTest } from './log-under-test.js';
export { newEvent, newEvents } from './new-events.js';
export { type PostgresServer, startPostgres } from './postgres-server.js';
export { openTemporaryLog } from './temporary-log.js';
