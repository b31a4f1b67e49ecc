export {
  type Audit,
  type Finding,
  anchorsSchema,
  auditVerify,
  exportAnchors,
  verifyStream,
} from './audit.js';
export { UnknownEvent, domainEvent, GENESIS_HASH, chainHash } from './stored-content.js';
export {
  AppendFailed,
  BadAppend,
  BadPosition,
  CannotOpenLog,
  EventIdReused,
  LogLostEvents,
  LogNotOpen,
  LogTakenOver,
  NotAnEventLog,
  RevisionConflict,
  UnreadableEvent,
} from './errors.js';
export {
  type AppendResult,
  type EventLog,
  type ExpectedRevision,
  type JsonValue,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type StoredEvent,
  type StoredRecord,
  type StreamHead,
  type SubscribeOptions,
  comparePositions,
} from './port.js';
export { type OpenLogOptions, isDatabase, openLog, openLogForReading, shownPlace } from './open.js';
