export { type Judge } from './source-vm.js';
export { readInventory, readVm } from './read.js';
export { watchInventory } from './watch.js';
