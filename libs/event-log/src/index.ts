export { type Finding, type Verification, anchorsOf, verifyLog } from './audit.js';
export { BadAppend, EventIdReused, NotAnEventLog, RevisionConflict } from './errors.js';
export { GENESIS_HASH, chainHash } from './hash-chain.js';
export {
  type AppendResult,
  type EventLog,
  type ExpectedRevision,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type StoredEvent,
  type StreamHead,
  type SubscribeOptions,
  comparePositions,
} from './port.js';
export { type SqliteLogOptions, openSqliteLog, openSqliteLogForReading } from './sqlite/sqlite-log.js';
