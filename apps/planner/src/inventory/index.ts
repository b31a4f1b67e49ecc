export { InventoryUnavailable, NotASource } from './errors.js';
export { InventoryService } from './inventory-service.js';
export { SOURCE_ACCESS, type SourceAccess } from './source-access.js';
