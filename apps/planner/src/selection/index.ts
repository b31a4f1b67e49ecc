export { importVms } from './csv/import-vms.js';
export { writeVms } from './csv/write.js';
export { BadCsv, PlaceNotUnique } from './errors.js';
export { capacityOf, meaningOf } from './selector.js';
export { type SelectedVm, type Selection, finder, selectVms } from './select-vms.js';
