export { type LogUnderTest, eventLogContract } from './contract-suite.js';
export { newEvents } from './new-events.js';
export { openTemporaryLog } from './temporary-log.js';
