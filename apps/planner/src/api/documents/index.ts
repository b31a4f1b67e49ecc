export { asyncApiDocument } from './asyncapi.js';
export { definitionNames, definitionSchema } from './definition-schemas.js';
export { openApiDocument } from './openapi.js';
