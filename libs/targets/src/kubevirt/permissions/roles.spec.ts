import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { chartRules } from './roles.js';

const root = join(import.meta.dirname, '..', '..', '..', '..', '..');

describe("the Helm chart's roles", () => {
  // `npm run build`, then `node scripts/run.mjs node scripts/chart-rules.mjs` writes them.
  it('have the rules of the table, and no others', () => {
    const written = readFileSync(join(root, 'deploy', 'helm', 'ledgerlift', 'files', 'rules.json'), 'utf8');
    expect(JSON.parse(written)).toEqual(JSON.parse(chartRules()));
  });
});
