export { type LabAnswer, LabHypervisor, type LabOptions } from './lab-hypervisor.js';
export type { JournalLine, LabFaultRequest, LabVmRequest } from './wire.js';
