import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { apiOperations } from '@ledgerlift/contracts';
import { asyncApiDocument } from './asyncapi.js';
import { openApiDocument } from './openapi.js';
import { referenceFiles } from './documents.controller.js';

const folder = join(import.meta.dirname, '../../../../../docs/reference');

describe('the documents in docs/reference', () => {
  it.each(Object.entries(referenceFiles()))(
    '%s is as generated (else run scripts/generate-documents.mjs)',
    (name, text) => {
      expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
    },
  );
});

describe.each([
  ['OpenAPI', openApiDocument()],
  ['AsyncAPI', asyncApiDocument()],
])('the %s document', (_name, document) => {
  it('refers only to what it has', () => {
    const text = JSON.stringify(document);
    const { schemas } = document['components'] as { schemas: Record<string, unknown> };
    const used = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? '');
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((name) => !(name in schemas))).toEqual([]);
  });

  it('has every operation of the API', () => {
    const text = JSON.stringify(document);
    expect(Object.keys(apiOperations).filter((name) => !text.includes(`${name}"`))).toEqual([]);
  });
});
