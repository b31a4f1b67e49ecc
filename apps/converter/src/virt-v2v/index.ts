export { BoundedLog } from './bounded-log.js';
export { type Findings, diskIndexOf } from './findings.js';
export { percentAfter, type V2vMessage } from './messages.js';
export { inPlace, inspector, runVirtV2v } from './run.js';
