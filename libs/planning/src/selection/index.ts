export { importVms, writeVms } from './csv.js';
export { BadCsv, PlaceNotUnique } from './errors.js';
export { capacityOf, meaningOf } from './selector.js';
export { type SelectedVm, type Selection, finder, selectVms } from './select-vms.js';
