export { NoSuchPath } from './errors.js';
export { InventoryService } from './inventory-service.js';
export { foundVm, searched } from './search.js';
export { type SourceAccess, providerSourceAccess } from './live-source.js';
export { treeOf } from './tree.js';
