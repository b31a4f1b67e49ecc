// Writes the generated documents of docs/reference (OpenAPI, AsyncAPI, JSON schemas, conditions) from the built planner.
// Run `npm run build` before: node scripts/run.mjs node scripts/generate-documents.mjs
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { referenceFiles } = await import(
  join(root, 'apps/planner/dist/api/documents/documents.controller.js')
);
const folder = join(root, 'docs', 'reference');
await mkdir(folder, { recursive: true });
for (const [name, text] of Object.entries(referenceFiles())) {
  await writeFile(join(folder, name), text);
  console.log(`docs/reference/${name}`);
}
