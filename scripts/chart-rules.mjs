// Writes the rules of deploy/helm/ledgerlift/files/rules.json from the table of rights (libs/targets/src/kubevirt/permissions).
// Run `npm run build` before: node scripts/run.mjs node scripts/chart-rules.mjs. A unit spec fails when they drift.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { chartRules } = await import(join(root, 'libs/targets/dist/kubevirt/permissions/roles.js'));
await writeFile(join(root, 'deploy/helm/ledgerlift/files/rules.json'), chartRules());
