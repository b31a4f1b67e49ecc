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
  BadExport,
  BadPosition,
  CannotOpenLog,
  EventIdReused,
  LogLostEvents,
  LogNotIntact,
  LogNotOpen,
  LogTakenOver,
  NotAnEventLog,
  NotThatLog,
  RevisionConflict,
  UnreadableEvent,
} from './errors.js';
export { type Exported, exportLog, importLog, verifyExport } from './export.js';
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
