export { CatalogCommands, CatalogStreams } from './catalog-commands.js';
