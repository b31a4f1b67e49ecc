export { importVms } from './csv/import-vms.js';
export { writeVms } from './csv/write.js';
export { BadCsv } from './errors.js';
export { type SelectedVm, type Selection, selectVms } from './select-vms.js';
