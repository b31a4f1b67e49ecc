export { NoSuchPath } from './errors.js';
export { InventoryService } from './inventory-service.js';
export { reasonOf } from './reason-of.js';
export { providerSourceAccess } from './provider-source-access.js';
export { foundVm, searched } from './search.js';
export { treeOf } from './tree.js';
export { SOURCE_ACCESS, type SourceAccess } from './source-access.js';
