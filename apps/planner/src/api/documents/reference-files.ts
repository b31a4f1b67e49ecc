import { conditionsPage } from '../../validation/index.js';
import { asyncApiDocument } from './asyncapi.js';
import { definitionNames, definitionSchema } from './definition-schemas.js';
import { openApiDocument } from './openapi.js';

/** Every generated file of docs/reference, by name: `scripts/generate-documents.mjs` writes them, a spec compares. */
export function referenceFiles(): Readonly<Record<string, string>> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'openapi.json': json(openApiDocument()),
    'asyncapi.json': json(asyncApiDocument()),
    ...Object.fromEntries(
      definitionNames.map((name) => [`${name}.schema.json`, json(definitionSchema(name))]),
    ),
    'conditions.md': conditionsPage(),
  };
}
