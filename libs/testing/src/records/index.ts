export { type DrawnRecord, drawnInstanceTypes, drawnPreferences, drawnRecords } from './drawn-records.js';
export { type AttemptOptions, type RecordedAttempt, attemptOf, converted } from './recorded-attempt.js';
export { sourceDisk, type SourceVmOptions, sourceVm } from './source-vm.js';
export { storedEvent } from './stored-event.js';
export { jobOf, type RecordOptions, vmRecord } from './vm-record.js';
