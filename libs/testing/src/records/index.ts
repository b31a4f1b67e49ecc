export { sourceDisk, type SourceVmOptions, sourceVm } from './source-vm.js';
export { jobOf, type RecordOptions, vmRecord } from './vm-record.js';
